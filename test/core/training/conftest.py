"""What the tests of training share."""

from helpers.training import write_objects
import pytest


@pytest.fixture
def source(tmp_path):
    """Return the path of a file of tiny objects."""
    return write_objects(tmp_path)
