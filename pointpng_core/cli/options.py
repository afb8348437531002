"""Options and argument types that several commands share."""

import argparse
from collections.abc import Sequence
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pointpng_core.cli.output import say
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.evaluation.pairs.split_rule import SplitRule
from pointpng_core.geometry.depth_noise import KINECT_NOISE, DepthNoise
from pointpng_core.geometry.sensor_profiles import DEFAULT, PROFILES

if TYPE_CHECKING:
    from pointpng_core.estimation.config import EstimatorConfig
    from pointpng_core.training.data import ObjectSet


def add_model(parser: argparse.ArgumentParser) -> None:
    """Declare --model and --device."""
    parser.add_argument('--model', metavar='MODEL', default='training_free',
                        help='training_free, a shipped model, or the folder of a checkpoint or '
                             'training run (default: training_free)')
    parser.add_argument('--device', default='cpu', help='torch device: cpu, cuda, cuda:N')


def add_depth_topics(parser: argparse.ArgumentParser) -> None:
    """Declare --camera-info and --depth-scale, for depth images in bags."""
    parser.add_argument('--camera-info', metavar='TOPIC',
                        help='CameraInfo of the depth images (default: camera_info beside them)')
    parser.add_argument('--depth-scale', metavar='MM', type=depth_scale, default=1.0,
                        help='millimetres of one unit of depth images of whole numbers '
                             '(default: 1)')


def add_sensor(parser: argparse.ArgumentParser) -> None:
    """Declare --sensor, the noise of the depth camera."""
    parser.add_argument('--sensor', metavar='SENSOR', type=sensor,
                        help=f'depth camera: {", ".join(PROFILES)}, or its noise as axial_m=0.002,'
                             'axial_growth=0.006,correlation_px=8, which `pointpng '
                             f'calibrate-sensor` measures (default: {DEFAULT})')


def sensor(text: str) -> DepthNoise:
    """Read PROFILE or NAME=NUMBER,...: see `DepthNoise.parse`."""
    try:
        return DepthNoise.parse(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def with_sensor(config: 'EstimatorConfig', noise: DepthNoise | None) -> 'EstimatorConfig':
    """Return a configuration with the noise of --sensor, where that is given.

    Raises ConfigError where the configuration has another one already.
    """
    from dataclasses import replace
    if noise is None:
        return config
    if config.depth_noise not in (KINECT_NOISE, noise):
        raise ConfigError('--sensor and depth_noise of the configuration file contradict each '
                          'other: give one of them')
    return replace(config, depth_noise=noise)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Declare --data and --seed."""
    parser.add_argument('--data', metavar='SOURCE', action='append', required=True,
                        help='PATH[,topic=/x][,limit=N]...: a bag, .npz, .h5, a folder of meshes '
                             'or clouds, or procedural[:COUNT]; may be repeated')
    parser.add_argument('--seed', metavar='N', type=from_zero, default=0,
                        help='of samples and rotations (default: 0)')


def load_objects(texts: Sequence[str], *, split: str, pool: int, seed: int) -> 'list[ObjectSet]':
    """Return the objects of a split of the sources; one that names its split itself keeps it.

    Raises FileError, ConfigError, MissingDependencyError.
    """
    from dataclasses import replace

    from pointpng_core.cli.training_progress import make_reporter
    from pointpng_core.training.data import SourceConfig, cache_folder, load_sources
    sources = [SourceConfig.parse(text) if ',split=' in text
               else replace(SourceConfig.parse(text), split=split) for text in texts]
    with make_reporter() as reporter:
        return load_sources(sources, pool=pool, seed=seed, cache_dir=cache_folder(),
                            progress=reporter.progress, report=reporter.line)


def require_file(path: Path) -> None:
    """Raise FileError for a path that does not exist."""
    if not os.path.exists(path):         # False, not an error, for what can be no path
        raise FileError(f'cannot read {path}: No such file or directory')


def limit_threads(count: int) -> None:
    """Set the number of threads of OpenMP; call it before what loads torch or Open3D is imported.

    OpenMP reads the number when they are loaded.
    """
    os.environ['OMP_NUM_THREADS'] = str(count)


def report_progress(line: str) -> None:
    """Print a line of progress on the standard error."""
    say(line, error=True)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
    return int(text)


def from_zero(text: str) -> int:
    """Read a whole number that is not below 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number from 0 on')
    return int(text)


def _number(text: str) -> float:
    """Return the number of a text, nan where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def not_negative(text: str) -> float:
    """Read a finite number that is not below 0."""
    value = _number(text)
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from 0 on')
    return value


def depth_scale(text: str) -> float:
    """Read the millimetres of one unit of a depth image, above 0."""
    value = _number(text)
    if value == 0:
        raise argparse.ArgumentTypeError('0 mm per unit: every depth would be 0')
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number above 0')
    return value


def position(text: str) -> tuple[float, float, float]:
    """Read X,Y,Z: three finite numbers."""
    try:
        x, y, z = (float(word) for word in text.split(','))
    except ValueError:
        x = y = z = math.nan
    if not all(map(math.isfinite, (x, y, z))):
        raise argparse.ArgumentTypeError(f'{text!r} is not a position X,Y,Z in metres')
    return x, y, z


def fraction(text: str) -> float:
    """Read a number in [0, 1]."""
    value = _number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from 0 to 1')
    return value


def rule(text: str) -> SplitRule:
    """Read K or K:R: every K-th, starting at position R."""
    try:
        return SplitRule.parse(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
