"""A tiny BOP dataset that a test may change, and the folder of its only scene."""

from helpers.bop import write_dataset
import pytest


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / 'tiny')


@pytest.fixture
def scene(dataset):
    return dataset / 'test' / '000003'
