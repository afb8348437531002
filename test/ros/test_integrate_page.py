"""docs/integrate.md shows the very file that is installed, and its parameters as they are."""

import dataclasses
from pathlib import Path

from pointpng_ros.picking.grasp_rules import PickRules

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'integrate.md').read_text(encoding='utf-8')


def test_the_page_shows_the_example_itself():
    code = (ROOT / 'pointpng_ros' / 'examples' / 'pick_and_place.py').read_text(encoding='utf-8')
    assert PAGE.count(f'```python\n{code}```\n') == 1


def test_the_page_lists_every_parameter_with_default_and_unit():
    for field in dataclasses.fields(PickRules):
        row = f'| `{field.name}` | `{field.default}` | {field.metadata["unit"]} |'
        assert PAGE.count(row) == 1, row
