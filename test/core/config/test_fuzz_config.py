"""Mutated configurations: a configuration of checked values, or an error of the package."""

import math

from helpers.fuzzing import each_size, file_reader, fuzz
from helpers.mutations import mutated
import yaml

from pointpng_core.config import Config, parse_yaml
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.training.config import TrainConfig

WORDS = (b'&a ', b'*a', b'<<: ', b'!!int ', b'!!timestamp ', b'!!float ', b'!!set ', b'!!binary ',
         b'!!python/name:os.system ', b'- ', b'? ', b': ', b'[', b'{', b'|\n', b'2024-13-45',
         b'9' * 5000, b'---\n', b'%YAML 9.9\n', b'\t', b'"', b"'", b'.nan', b'.inf', b'~', b'0x',
         b'1_0:9', b'\x1b[31m')


def check_values(config):
    """Every number is finite and of the declared type, in nested configurations too."""
    for name, value in vars(config).items():
        if isinstance(value, Config):
            check_values(value)
        elif isinstance(value, float):
            assert math.isfinite(value), name


def read_as(config_type):
    def read(path):
        config = config_type.from_yaml(path)
        check_values(config)
        assert config_type.from_mapping(config.to_mapping()) == config
    return file_reader(read, 'config.yaml')


def yaml_of(config):
    return yaml.safe_dump(config.to_mapping(), sort_keys=False).encode()


@each_size
def test_configurations_of_the_estimator(inputs):
    seeds = [yaml_of(EstimatorConfig()), b'{}']
    fuzz(read_as(EstimatorConfig), mutated(seeds, tokens=WORDS), inputs=inputs, valid=len(seeds),
         name='estimator.yaml').check()


@each_size
def test_configurations_of_training(inputs):
    seeds = [yaml_of(TrainConfig(sources=('procedural:5', {'path': 'a.npz', 'weight': 2.0})))]
    fuzz(read_as(TrainConfig), mutated(seeds, tokens=WORDS), inputs=inputs,
         name='train.yaml').check()


@each_size
def test_yaml_itself(inputs):
    seeds = [b'a: &a [1, 2.5, yes]\nb: {c: *a, d: "x"}\n', b'- x\n- {y: 2024-01-02}\n',
             b'? k\n: |\n  text\n  more\n']

    def read(data):
        text = data.decode('latin-1')
        repr(parse_yaml(text, where='f.yaml'))

    fuzz(read, mutated(seeds, tokens=WORDS), inputs=inputs, valid=len(seeds), name='yaml').check()


@each_size
def test_noise_of_a_camera(inputs):
    seeds = [b'realsense_d4xx', b'axial_m=0.002,axial_growth=0.006,correlation_px=8',
             b'custom,axial_m=0.1']

    def read(data):
        check_values(DepthNoise.parse(data.decode('latin-1')))

    fuzz(read, mutated(seeds, tokens=(b',', b'=', b'nan', b'1e999', b'9' * 5000, b'profile=')),
         inputs=inputs, valid=len(seeds), name='sensor').check()
