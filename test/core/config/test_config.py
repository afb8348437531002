"""Configuration: values and keys are checked, YAML there and back."""

import dataclasses

import pytest

from pointpng_core.config import Config, option, read_yaml_mapping
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.estimation.config import EstimatorConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example(Config):
    peaks: int = option(8, help='Peaks kept.', low=1, high=64)
    voxel_m: float = option(0.005, help='Voxel edge.', unit='m', low=0.0)
    refine: str = option('gicp', help='Last step.', choices=('icp', 'gicp'))
    strict: bool = option(True, help='Refuse oddities.')
    folder: str = option('', help='Folder.')


def test_defaults_are_valid_and_round_trip(tmp_path):
    config = Example(peaks=3, voxel_m=1, strict=False, folder='~/älg: x')
    config.to_yaml(tmp_path / 'c.yaml')
    assert Example.from_yaml(tmp_path / 'c.yaml') == config
    assert list(config.to_mapping()) == ['peaks', 'voxel_m', 'refine', 'strict', 'folder']


def test_empty_yaml_means_defaults(tmp_path):
    (tmp_path / 'c.yaml').write_text('# nothing\n')
    assert Example.from_yaml(tmp_path / 'c.yaml') == Example()


@pytest.mark.parametrize(('values', 'message'), [
    ({'peaks': 0}, r'Example\.peaks = 0: must lie in \[1, 64\]'),
    ({'peaks': 65}, r'\[1, 64\]'),
    ({'peaks': 2.5}, 'expected int, got float'),
    ({'peaks': True}, 'expected int, got bool'),
    ({'voxel_m': -1.0}, r'voxel_m = -1.0 m: must lie in \[0.0, inf\]'),
    ({'voxel_m': float('nan')}, 'must lie in'),
    ({'voxel_m': '5 mm'}, 'expected float, got str'),
    ({'voxel_m': False}, 'expected float, got bool'),
    ({'refine': 'ICP'}, 'choose one of icp, gicp'),
    ({'strict': 1}, 'expected bool'),
    ({'folder': None}, 'expected str, got NoneType'),
    ({'peak': 3}, "unknown key 'peak'; did you mean 'peaks'"),
    ({'zzz': 3}, "unknown key 'zzz'; known keys: peaks"),
    ({1: 3}, 'unknown key 1'),
])
def test_wrong_values_and_keys(values, message):
    with pytest.raises(ConfigError, match=message):
        Example.from_mapping(values)


@pytest.mark.parametrize(('content', 'message'), [
    (b'- 1\n', 'expected a mapping at the top, got list'),
    (b'a: [', 'is not valid YAML'),
    (b'\xff\xfe\xfa', 'is not valid YAML'),
])
def test_unreadable_yaml(tmp_path, content, message):
    path = tmp_path / 'c.yaml'
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        read_yaml_mapping(path)


def test_missing_yaml(tmp_path):
    with pytest.raises(FileError, match=r'cannot read .*gone\.yaml: No such file'):
        read_yaml_mapping(tmp_path / 'gone.yaml')


def test_config_cannot_be_changed_afterwards():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Example().peaks = 3


@pytest.mark.parametrize('value', [3, None, 'x', [1]])
def test_a_nested_configuration_must_be_a_mapping(value):
    with pytest.raises(ConfigError, match=r'EstimatorConfig\.search = .* expected a'):
        EstimatorConfig.from_mapping({'search': value})
    with pytest.raises(ConfigError, match=r'EstimatorConfig\.search = .* expected a'):
        EstimatorConfig(search=value)


def test_a_nested_configuration_is_built_and_checked():
    config = EstimatorConfig.from_mapping({'search': {'in_plane_rotations': 24}})
    assert config.search.in_plane_rotations == 24
    with pytest.raises(ConfigError, match="unknown key 'in_plane_rotation'; did you mean "
                                          "'in_plane_rotations'"):
        EstimatorConfig.from_mapping({'search': {'in_plane_rotation': 24}})
