"""Parameters from configs: specs, table, YAML, and that the generated files are up to date."""

from dataclasses import dataclass
import importlib.util
from pathlib import Path

import pytest
import yaml

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.parameters.parameter_specs import (
    ParameterGroup,
    default_yaml,
    format_value,
    parameter_table,
    pose_estimator_groups,
    with_values,
)
from pointpng_ros.parameters.parameters import describe

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Inner(Config):
    peaks: int = option(8, help='Peaks kept.', low=1)
    width_m: float = option(1e-6, help='Width.', unit='m', low=0.0, high=2.0)


@dataclass(frozen=True, kw_only=True)
class Outer(Config):
    kind: str = option('fast', help='How.', choices=('fast', 'sure'))
    flag: bool = option(True, help='Whether.')
    inner: Inner = Inner(peaks=3)


GROUP = ParameterGroup(prefix='a.', defaults=Outer(), live=frozenset({'flag'}))


def test_the_depth_camera_is_one_parameter_and_contradictions_are_refused():
    group = next(group for group in pose_estimator_groups() if group.prefix == 'estimator.')
    values = {spec.name: spec.default for spec in group.specs()}
    prefix = 'estimator.depth_noise.'
    chosen = with_values(group.defaults, 'estimator.',
                         {**values, f'{prefix}profile': 'realsense_d4xx'})
    assert chosen.depth_noise.sigma_m(1.0) > 2 * group.defaults.depth_noise.sigma_m(1.0)
    own = {**values, f'{prefix}profile': 'custom', f'{prefix}axial_m': 0.003}
    assert with_values(group.defaults, 'estimator.', own).depth_noise.sigma_m(0.4) == 0.003
    with pytest.raises(ConfigError, match=r"axial_m = 0.003 contradicts profile = 'tof'"):
        with_values(group.defaults, 'estimator.', {**own, f'{prefix}profile': 'tof'})


def test_nested_configs_become_dotted_parameters_with_the_instances_defaults():
    specs = {spec.name: spec for spec in GROUP.specs()}
    assert list(specs) == ['a.kind', 'a.flag', 'a.inner.peaks', 'a.inner.width_m']
    assert specs['a.inner.peaks'].default == 3
    assert [spec.live for spec in specs.values()] == [False, True, False, False]
    assert specs['a.inner.width_m'].allowed == '0.0 .. 2.0'
    assert specs['a.inner.peaks'].allowed == '1 .. inf'
    assert specs['a.kind'].allowed == 'fast, sure'


def test_values_are_put_in_and_checked():
    config = with_values(Outer(), 'a.', {'a.inner.width_m': 1, 'a.kind': 'sure', 'b.flag': False})
    assert config == Outer(kind='sure', inner=Inner(peaks=3, width_m=1.0))
    assert isinstance(config.inner.width_m, float)
    with pytest.raises(ConfigError, match=r'Inner\.peaks = 0'):
        with_values(Outer(), 'a.', {'a.inner.peaks': 0})
    with pytest.raises(ConfigError, match='expected str'):
        with_values(Outer(), 'a.', {'a.kind': None})


def test_a_field_that_is_no_scalar_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Odd(Config):
        sizes: tuple = (1, 2)

    with pytest.raises(ConfigError, match=r'Odd\.sizes'):
        ParameterGroup(prefix='', defaults=Odd()).specs()


@pytest.mark.parametrize('value', [1.0, 1e-6, 1e20, 0.1, 5, True, '', 'text', 'true', '7', '~/x',
                                   'a: b', "it's"])
def test_values_survive_yaml_with_their_type(value):
    text = format_value(value)
    back = yaml.safe_load(text)
    assert (type(back), back) == (type(value), value)
    assert not isinstance(value, float) or '.' in text


def test_the_default_yaml_holds_every_parameter_with_its_type():
    content = yaml.safe_load(default_yaml([GROUP]))['/**']['ros__parameters']
    assert content == {'a.kind': 'fast', 'a.flag': True, 'a.inner.peaks': 3,
                       'a.inner.width_m': 1e-6}


def test_descriptors_carry_unit_range_choices_and_read_only():
    by_name = {spec.name: describe(spec) for spec in GROUP.specs()}
    width, peaks = by_name['a.inner.width_m'], by_name['a.inner.peaks']
    assert width.description == 'Width. [m]'
    assert (width.floating_point_range[0].from_value, width.read_only) == (0.0, True)
    assert (peaks.integer_range[0].from_value, peaks.integer_range[0].to_value) == (1, 2**63 - 1)
    assert by_name['a.kind'].additional_constraints == 'One of: fast, sure.'
    assert not by_name['a.flag'].read_only


def test_every_parameter_of_the_node_is_described_and_its_default_allowed():
    groups = pose_estimator_groups()
    specs = [spec for group in groups for spec in group.specs()]
    assert len({spec.name for spec in specs}) == len(specs)
    assert all(spec.help.endswith('.') for spec in specs)
    for group in groups:
        values = {spec.name: spec.default for spec in group.specs()}
        assert with_values(group.defaults, group.prefix, values) == group.defaults
    table = parameter_table(groups)
    assert all(f'| `{spec.name}` |' in table for spec in specs)
    assert all(line.count(' | ') + 2 >= 7 for line in table.splitlines()[2:])


def test_generated_files_are_up_to_date():
    spec = importlib.util.spec_from_file_location('docs', ROOT / 'tools' / 'generate_docs.py')
    docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(docs)
    assert docs.main(['--check']) == 0, 'run `make docs`'


def test_node_config_defaults_are_valid():
    assert NodeConfig().cloud_reliability == 'best_effort'
