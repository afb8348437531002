"""`pointpng calibrate-sensor BAG...`: the noise of a depth camera, from a flat wall or table.

Record it at several distances, or moving; the wall is found in every cloud. JSON: bags, profile
(of --profile), clouds, walls (clouds that show one), incidence_deg (median), by_depth: [{depth_m,
sigma_m, pixels}], correlation ({PIXELS apart: correlation of their errors}), noise ({axial_m,
axial_growth, correlation_px, bias_sigmas}), growth_measured (false: as the profile's), lateral_px
(standard deviation sideways; null where it is part of the noise), edges (null without jumps of
depth, else dropped_share, width_px, pixels), steps (null where depth is continuous, else
quantum_per_m, step_m at depth_m, stored: whether it is the unit of the image), damage (of the
bags), refused (null, or how many clouds could not be read, and why the first).
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from pointpng_core.cli.options import add_depth_topics, positive
from pointpng_core.cli.output import check_json_target, number, say, table, write_json
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.geometry.sensor_profiles import CUSTOM, DEFAULT, PROFILES
from pointpng_core.io.units import MM_PER_M
from pointpng_core.text import printable

if TYPE_CHECKING:
    from pointpng_core.evaluation.recordings.bag_list import Recording
    from pointpng_core.evaluation.sensor.calibration import SensorCalibration
    from pointpng_core.geometry.clouds import PointCloud

HELP = 'measure the noise of a depth camera on a recording of a flat wall or table'
LAGS_PX = (1, 4, 10, 20)
STEEP_DEG = 30.0
UNLIKE = 2.0
"""Errors so many times as large as the model's at one depth are not the camera's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument('bags', metavar='BAG', nargs='+',
                        help='MCAP, sqlite3 or ROS 1 bags of one camera, folders that hold them '
                             'at any depth, and patterns in quotes')
    parser.add_argument('--topic', help='topic of organised clouds or of depth images, where a '
                                        'bag has several')
    add_depth_topics(parser)
    parser.add_argument('--frames', metavar='N', type=positive, default=None,
                        help='use only the first N clouds of each bag (default: all)')
    parser.add_argument('--profile', choices=tuple(PROFILES), default=DEFAULT,
                        help='how noise grows with depth where the recording does not show it '
                             f'(default: {DEFAULT})')
    parser.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Calibrate and print the model; raises PointPngError."""
    from pointpng_core.evaluation.recordings.bag_list import find_recordings
    from pointpng_core.evaluation.sensor.calibration import calibrate_sensor
    check_json_target(options.json)
    reader = _Clouds(find_recordings(options.bags), options)
    found = calibrate_sensor(reader.read(), profile=options.profile)
    result = {'bags': [recording.path for recording in reader.recordings],
              'profile': options.profile, **_values(found), 'damage': reader.damage,
              'refused': reader.refused}
    if options.json != '-':
        say(readable(result))
    for warning in [*reader.damage, *_warnings(result)]:
        say(f'warning: {printable(warning)}', error=True)
    write_json(options.json, result)
    return 0


def readable(result: dict[str, Any]) -> str:
    """Return the measurements as tables, and the lines that set them."""
    rows = [[number(row['depth_m']), number(MM_PER_M * row['sigma_m']), str(row['pixels'])]
            for row in result['by_depth']]
    near = [f'{number(value)} at {lag}' for lag, value in result['correlation'].items()]
    return '\n'.join([
        f'{result["walls"]} of {result["clouds"]} clouds show a flat wall or table, tilted by '
        f'{result["incidence_deg"]:.0f} degrees', '',
        table(['depth m', 'sigma mm', 'pixels'], rows, left=()), '',
        f'correlation   {", ".join(near)} px',
        *([f'sideways      {number(result["lateral_px"])} px'] if result['lateral_px'] else []),
        f'edges         {_edges(result["edges"])}',
        f'steps         {_steps(result["steps"])}', '', *_settings(result)])


def _edges(edges: dict[str, Any] | None) -> str:
    if edges is None:
        return 'no jumps of depth seen: put something with edges before the wall'
    return (f'{100 * edges["dropped_share"]:.0f} % of the pixels beside jumps of depth have no '
            f'reading, {number(edges["width_px"], 1)} px on both sides')


def _steps(steps: dict[str, Any] | None) -> str:
    if steps is None:
        return 'none'
    size = f'{number(MM_PER_M * steps["step_m"])} mm at {number(steps["depth_m"])} m'
    if steps['stored']:
        return f'{size}, the unit of the image'
    return f'{size}, or {steps["quantum_per_m"]:.2g} 1/m of inverse depth'


def _settings(result: dict[str, Any]) -> list[str]:
    """Return the model for commands and for the node."""
    noise = result['noise']
    spelled = ','.join(f'{name}={value:g}' for name, value in noise.items())
    prefix = 'estimator.depth_noise.'
    lines = [f'for commands:  --sensor {spelled}', 'for the node (params_file):',
             f'    {prefix}profile: {CUSTOM}',
             *(f'    {prefix}{name}: {float(value)!r}' for name, value in noise.items())]
    if not result['growth_measured']:
        lines.insert(0, 'All depths are about the same: how noise grows with depth is not '
                        f'measured, but that of {result["profile"]}.')
    return lines


def _values(found: 'SensorCalibration') -> dict[str, Any]:
    """Return the calibration for JSON."""
    noise = {name: getattr(found.noise, name)
             for name in ('axial_m', 'axial_growth', 'correlation_px', 'bias_sigmas')}
    return {'clouds': found.clouds, 'walls': found.walls, 'incidence_deg': found.incidence_deg,
            'by_depth': [asdict(item) for item in found.by_depth],
            'correlation': {str(lag): float(found.correlation[lag]) for lag in LAGS_PX},
            'noise': noise, 'growth_measured': found.growth_measured,
            'lateral_px': found.lateral_px,
            'edges': asdict(found.edges) if found.edges else None,
            'steps': asdict(found.steps) if found.steps else None}


def _warnings(result: dict[str, Any]) -> Iterator[str]:
    if result['refused']:
        yield (f'{result["refused"]["clouds"]} clouds could not be read, the first because: '
               f'{result["refused"]["why"]}')
    if result['lateral_px'] is None and result['incidence_deg'] > STEEP_DEG:
        yield (f'all walls are tilted by about {result["incidence_deg"]:.0f} degrees, which turns '
               'errors sideways into noise of depth: look at them more squarely, or at different '
               'angles and distances')
    worst = max(result['by_depth'], key=lambda row: row['sigma_m'] / _modelled_m(result, row))
    if worst['sigma_m'] > UNLIKE * _modelled_m(result, worst):
        yield (f'at {worst["depth_m"]:.2f} m the errors are '
               f'{worst["sigma_m"] / _modelled_m(result, worst):.1f} times those of the model: is '
               'the wall flat, and is there nothing on it?')


def _modelled_m(result: dict[str, Any], row: dict[str, Any]) -> float:
    """Return the standard deviation that the model has at the depth of a row."""
    noise = DepthNoise(profile=CUSTOM, **result['noise'])
    return max(float(noise.sigma_m(row['depth_m'])), 1e-6)


class _Clouds:
    """Reads the clouds of recordings, and remembers what was wrong with them."""

    def __init__(self, recordings: 'Sequence[Recording]', options: argparse.Namespace) -> None:
        self.recordings, self._options = recordings, options
        self.damage: list[str] = []
        self.refused: dict[str, Any] | None = None

    def read(self) -> 'Iterator[PointCloud]':
        """Yield the clouds of all recordings; raises ConfigError, FileError."""
        from pointpng_core.evaluation.recordings.recorded_clouds import choose_stream
        from pointpng_core.io.bags.reader import CloudBag
        options = self._options
        for recording in self.recordings:
            with CloudBag(recording.path) as bag:
                stream = choose_stream(bag, options.topic, camera_info=options.camera_info,
                                       unit_m=options.depth_scale / MM_PER_M)
                for recorded in islice(stream.clouds(), options.frames):
                    if recorded.cloud is not None:
                        yield recorded.cloud
                    else:
                        self._refuse(recorded.refused)
                self.damage += [bag.damage] if bag.damage else []

    def _refuse(self, why: str | None) -> None:
        if self.refused is None:
            self.refused = {'clouds': 0, 'why': why}
        self.refused['clouds'] += 1
