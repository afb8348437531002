"""ROS parameters of any value: configurations of checked values, or an error of the package."""

import math

from helpers.fuzzing import each_size, fuzz
import numpy as np

from pointpng_core.config import Config
from pointpng_ros.parameters.node_config import (
    NodeConfig,
    RegionConfig,
    reference_mode,
    sensor_position_m,
)
from pointpng_ros.parameters.parameter_specs import pose_estimator_groups, with_values

GROUPS = pose_estimator_groups()
SPECS = [spec for group in GROUPS for spec in group.specs()]
VALUES = (0, -1, 1, 2**63 - 1, -2**63, 0.0, -0.0, 1e-300, 1e308, math.inf, -math.inf, math.nan,
          True, False, '', 'x', 'cuda', 'meta', 'library', 'topic', '1 2 3', 'nan 0 0',
          '1e999 0 0',
          '\x1b[31m', '\udcff', 'a' * 10**5, '/a,/b', ',', '~', '/dev/zero', '../..')


def values_of(index):
    """The defaults at index 0; else one to four parameters with any of the values."""
    values = {spec.name: spec.default for spec in SPECS}
    if index:
        rng = np.random.default_rng(index)
        for _ in range(rng.integers(1, 5)):
            spec = SPECS[rng.integers(len(SPECS))]
            near = [spec.low, spec.high, *spec.choices, spec.default]
            value = [*VALUES, *near][rng.integers(len(VALUES) + len(near))]
            values[spec.name] = value if value is not None else rng.normal()
    return values


def check_values(config):
    for field, value in vars(config).items():
        if isinstance(value, Config):
            check_values(value)
        elif isinstance(value, float):
            assert math.isfinite(value), field


def read(values):
    for group in GROUPS:
        config = with_values(group.defaults, group.prefix, values)
        check_values(config)
        if isinstance(config, NodeConfig):
            assert reference_mode(config) in ('library', 'first_look', 'previous_frame', 'topic')
            position_m = sensor_position_m(config)
            assert position_m is None or all(map(math.isfinite, position_m))
        if isinstance(config, RegionConfig):
            assert all(low < high for low, high in zip(config.low_m, config.high_m))


@each_size
def test_parameters(inputs):
    fuzz(read, values_of, inputs=inputs, name='parameters').check()
