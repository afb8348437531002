"""docs/operation.md against the code: diagnostics, parameters, tests that it names."""

from pathlib import Path
import re

import pytest

from pointpng_ros.health.diagnostics import NodeState, camera_status
from pointpng_ros.health.frame_statistics import FrameStatistics
from pointpng_ros.parameters.parameter_specs import pose_estimator_groups

TESTS = Path(__file__).parent
PAGE = (TESTS.parents[1] / 'docs' / 'operation.md').read_text(encoding='utf-8')


def status(**values):
    state = {'dropped': 0, 'skipped': 0, 'silent_s': 0.0, 'cloud_timeout_s': 5.0, 'references': 1,
             'device': 'cpu', **values}
    return camera_status('poses', FrameStatistics().summary(), NodeState(**state))


def test_every_value_of_the_diagnostics_is_described_and_no_other():
    table = PAGE[PAGE.index('| key | what |'):PAGE.index('## Faults')]
    described = {name for cell in re.findall(r'^\| (`.*?) \|', table, re.MULTILINE)
                 for name in re.findall(r'`(\w+)`', cell)}
    reported = {pair.key for pair in status().values}
    assert {name for name in described if not name.startswith('stage_')} == reported


@pytest.mark.parametrize('values', [{'silent_s': None}, {'references': 0}, {}])
def test_the_messages_are_those_of_the_diagnostics(values):
    assert f'`{status(**values).message}`' in PAGE


def test_the_parameters_there_exist_with_these_defaults():
    defaults = {spec.name: spec.default for group in pose_estimator_groups()
                for spec in group.specs()}
    stated = re.findall(r'`(pipeline\.tracking\.\w+)` \((\d+)', PAGE)
    assert len(stated) == 4
    for name, number in stated:
        assert float(number) in (defaults[name], 100 * defaults[name])     # or per cent
    for name in ('pipeline.min_confidence', 'pipeline.tracking.max_missed', 'cloud_timeout_s',
                 'max_age_s', 'max_rate_hz', 'process_unsubscribed'):
        assert name in PAGE
        assert name in defaults


def test_the_tests_there_exist():
    sources = ''.join(path.read_text(encoding='utf-8') for path in TESTS.glob('test_*.py'))
    for name in re.findall(r'`(?:test/ros/)?(test_\w+)(?:\.py)?`', PAGE):
        assert f'def {name}(' in sources or (TESTS / f'{name}.py').is_file(), name
