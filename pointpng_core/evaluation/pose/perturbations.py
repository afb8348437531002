"""What makes a pair harder, by degrees: hidden sides, noise, few points, a turn.

Each takes a pair, a level and a random generator, and returns a pair whose pose is still true;
the source stays as it is, so that a method prepares it once. The same generator and another level
give the same side, noise or axis, only more of it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.observations import seen_from_outside
from pointpng_core.evaluation.pose.metrics import transform
from pointpng_core.evaluation.pose.pairs import PosePair
from pointpng_core.geometry.clouds import diameter_m
from pointpng_core.geometry.clouds.visibility import view_frames

Rng = np.random.Generator
Points = NDArray[np.floating]
MOST_HIDDEN = 95.0
OCCLUDER = np.float32(0.8)
"""Where what hides a part lies, over the part's distance from the camera."""


def hidden(pair: PosePair, percent: float, rng: Rng) -> PosePair:
    """Take away one side of the target: so many percent of its points, in [0, MOST_HIDDEN].

    Of a single view, everything beyond a straight line of random direction in the image, as behind
    the edge of a box, which the camera sees instead (`scene_points`); of a whole surface,
    everything beyond a plane. Raises ConfigError.
    """
    _require('hidden share', percent, 0.0, MOST_HIDDEN, '%')
    view = seen_from_outside(pair.target)
    place = _image(pair.target) if view else pair.target
    order = np.argsort(place @ _unit(rng, place.shape[1]), kind='stable')
    kept, gone = np.split(order, [round(len(place) * (1.0 - percent / 100.0))])
    part = _seen(pair, pair.target[np.sort(kept)])
    return replace(part, scene_points=OCCLUDER * pair.target[gone]) if view else part


def noisy(pair: PosePair, percent: float, rng: Rng) -> PosePair:
    """Add Gaussian noise to the target, its deviation in percent of the source's diameter.

    Along the ray for single views, as of a depth camera, else the same in all directions. Raises
    ConfigError.
    """
    _require('noise', percent, 0.0, 100.0, '% of the diameter')
    sigma = percent / 100.0 * diameter_m(pair.source)
    target = pair.target.astype(np.float64)
    if seen_from_outside(pair.target):
        ray = target / np.linalg.norm(target, axis=1, keepdims=True)
        return _seen(pair, target + sigma * rng.standard_normal((len(target), 1)) * ray)
    return _seen(pair, target + sigma * rng.standard_normal(target.shape))


def fewer(pair: PosePair, count: float, rng: Rng) -> PosePair:
    """Keep a random draw of the target's points; raises ConfigError for more than there are."""
    _require('number of points', count, 16, len(pair.target), 'points')
    return _seen(pair, pair.target[rng.permutation(len(pair.target))[:int(count)]])


def misaligned(pair: PosePair, angle_deg: float, rng: Rng) -> PosePair:
    """Turn the target about the origin until its rotation is of `angle_deg` about a random axis.

    A single view stays what a camera at the origin sees, only in another direction. Raises
    ConfigError outside [0, 180].
    """
    _require('misalignment', angle_deg, 0.0, 180.0, 'degrees')
    wanted = Rotation.from_rotvec(_unit(rng, 3) * angle_deg, degrees=True).as_matrix()
    turn = np.eye(4)
    turn[:3, :3] = wanted @ pair.T_target_source[:3, :3].T
    return replace(pair, target=transform(turn, pair.target).astype(np.float32),
                   T_target_source=turn @ pair.T_target_source)


def _seen(pair: PosePair, target: Points) -> PosePair:
    """Return the pair with another target in its place."""
    return replace(pair, target=target.astype(np.float32))


def _image(points: Points) -> Points:
    """Return x / z and y / z (N, 2) of a camera at the origin that looks at the centroid."""
    turned = points @ view_frames(points.mean(axis=0)[None])[0].T
    return turned[:, :2] / turned[:, 2:]


def _unit(rng: Rng, size: int) -> NDArray[np.float64]:
    """Return a vector of length one, all directions alike."""
    vector = rng.standard_normal(size)
    return vector / np.linalg.norm(vector)


def _require(what: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise ConfigError(f'{what} = {value:g} {unit}: must lie in [{low:g}, {high:g}]')
