"""House limits: short files, short functions, and nothing printed by the libraries."""

import ast
from pathlib import Path
import statistics

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob('pointpng_core/**/*.py'), *ROOT.glob('pointpng_ros/**/*.py')])
TESTS = sorted(ROOT.glob('test/**/*.py'))
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_MEDIAN_LINES = 300, 60, 10


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def length(node):
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize('path', SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    assert len(path.read_text(encoding='utf-8').splitlines()) < MAX_FILE_LINES
    long = [f'{node.name}: {length(node)}' for node in functions(path)
            if length(node) > MAX_FUNCTION_LINES]
    assert not long


@pytest.mark.parametrize('path', TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_of_tests_are_short(path):
    assert len(path.read_text(encoding='utf-8').splitlines()) < MAX_FILE_LINES


def test_half_of_all_functions_are_very_short():
    lengths = [length(node) for path in SOURCES for node in functions(path)]
    assert statistics.median(lengths) < MAX_MEDIAN_LINES


@pytest.mark.parametrize('path', [p for p in SOURCES if 'pointpng_core' in p.parts
                                  and 'cli' not in p.parts],
                         ids=lambda p: str(p.relative_to(ROOT)))
def test_the_core_never_prints_or_exits(path):
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Call)]
    assert not {'print', 'exit', 'quit', 'sys.exit', 'os._exit'} & set(calls)
