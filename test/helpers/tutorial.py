"""The commands of docs/objects.md, for the tests that run them."""

from pathlib import Path
import re

PAGE = Path(__file__).parents[2] / 'docs' / 'objects.md'


def commands(kind):
    """The lines of the page's code blocks that open with ``` and `kind`, in their order."""
    blocks = re.findall(rf'^```{kind}\n(.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]
