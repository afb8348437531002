"""docs/security.md says what the code does: limits, files, targets, and that its tests exist."""

import importlib
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'security.md').read_text(encoding='utf-8')
LIMITS = re.findall(r'^\| .* \| (\d+) \| `([\w.]+):(\w+)` \|$', PAGE, re.M)
AUDIT = (ROOT / 'tools' / 'audit_requirements.txt').read_text(encoding='utf-8')


@pytest.mark.parametrize(('value', 'module', 'name'), LIMITS, ids=[each[2] for each in LIMITS])
def test_limits_are_those_of_the_code(value, module, name):
    assert getattr(importlib.import_module(module), name) == int(value)


def test_every_limit_is_checked():
    assert len(LIMITS) == PAGE.count(' | `pointpng_core.')


@pytest.mark.parametrize('path', sorted(set(re.findall(
    r'`((?:pointpng_core|pointpng_ros|test|tools|config)/[\w./]*)`', PAGE))))
def test_files_that_it_names_exist(path):
    assert (ROOT / path).exists()


def test_functions_that_it_names_exist():
    assert callable(importlib.import_module('pointpng_core.text').printable)


def test_the_tools_are_pinned_and_known_to_make():
    for line in AUDIT.splitlines():
        assert line.startswith('#') or re.fullmatch(r'[\w.-]+==[\w.]+', line), line
    assert re.search(r'^cyclonedx-bom==', AUDIT, re.M)
    assert re.search(r'^pip_audit==', AUDIT, re.M)
    makefile = (ROOT / 'Makefile').read_text(encoding='utf-8')
    assert 'cyclonedx-py environment' in makefile
    assert 'pip-audit --strict' in makefile           # else packages it cannot look up pass
