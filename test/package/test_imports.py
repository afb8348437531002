"""Every name that is imported from this project exists; type checkers skip what they cannot find.

Only sources are read, so that imports for type checkers and within functions count as well.
"""

import ast
from pathlib import Path
import re

from helpers.imports import defined_names, resolves
from helpers.rooms import imported_names
import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOTS = (ROOT, ROOT / 'test')
FOLDERS = ('pointpng_core', 'pointpng_ros', 'test', 'tools', 'launch')
OWN = ('pointpng_core', 'pointpng_ros', 'helpers')
MODULE_PATH = re.compile(r'pointpng_(core|ros)(\.\w+)+')


def unresolved(path):
    """The imports of this project, or of a file beside this one, that lead nowhere."""
    names = imported_names(path.read_text(encoding='utf-8'))
    own = {name for name in names
           if name.split('.')[0] in OWN or (path.parent / f'{name.split(".")[0]}.py').is_file()}
    return {name for name in own if not resolves(name, (*ROOTS, path.parent))}


@pytest.mark.parametrize('folder', FOLDERS)
def test_every_import_of_this_project_resolves(folder):
    paths = sorted((ROOT / folder).rglob('*.py'))
    assert paths
    assert not {str(path.relative_to(ROOT)): names for path in paths
                if (names := unresolved(path))}


@pytest.mark.parametrize('package', ['pointpng_core', 'pointpng_ros'])
def test_every_module_path_in_a_string_resolves(package):
    for path in (ROOT / package).rglob('*.py'):
        words = {node.value for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for word in filter(MODULE_PATH.fullmatch, words):
            assert resolves(word, ROOTS), f'{path}: {word}'


@pytest.mark.parametrize(('source', 'missing'), [
    ('from pointpng_core.tracking.nothing import State', 'pointpng_core.tracking.nothing.State'),
    ('from pointpng_core.errors import FielError', 'pointpng_core.errors.FielError'),
    ('if False:\n    import pointpng_core.nothing', 'pointpng_core.nothing'),
    ('def f():\n    from pointpng_core import read_clouds', 'pointpng_core.read_clouds'),
    ('from pointpng_core import geometry, read_cloud\nfrom pointpng_core.errors import FileError\n'
     'import numpy.nothing', None),
])
def test_a_name_that_does_not_exist_is_found(source, missing, tmp_path):
    path = tmp_path / 'module.py'
    path.write_text(source)
    assert unresolved(path) == ({missing} if missing else set())


def test_names_at_the_top_of_a_module_are_found(tmp_path):
    path = tmp_path / 'module.py'
    path.write_text('import a.b, c as d\nE, (F, *G) = 1, (2, 3)\nH: int = 1\n'
                    'try:\n    i = 1\nexcept E:\n    i2 = 1\n'
                    'def k():\n    hidden = 1\nclass L:\n    hidden = 1\n')
    assert defined_names(path) == {'a', 'd', 'E', 'F', 'G', 'H', 'i', 'i2', 'k', 'L'}
