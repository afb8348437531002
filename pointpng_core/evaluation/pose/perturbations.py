"""Perturbations of a pair at a level: occlusion, noise, fewer points, misalignment.

Each takes a pair, a level and a random generator, and returns a pair with its true pose; the
source is unchanged, so that a method prepares it once. The same generator with a higher level
gives more of the same: the same side, noise or axis.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.observation_kind import seen_from_outside
from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.geometry.clouds import diameter_m
from pointpng_core.geometry.clouds.visibility import view_frames
from pointpng_core.geometry.rigid_motion import transform

Rng = np.random.Generator
Points = NDArray[np.floating]
MOST_HIDDEN = 95.0
OCCLUDER = np.float32(0.8)
"""Distance of the occluder from the camera, relative to that of the occluded part."""


def hidden(pair: PosePair, percent: float, rng: Rng) -> PosePair:
    """Remove one side of the target: so many percent of its points, in [0, MOST_HIDDEN].

    A single view loses everything beyond a straight line of random direction in the image, as
    behind the edge of a box, whose points the camera sees instead (`scene_points`); a whole
    surface loses everything beyond a plane. Raises ConfigError.
    """
    _require('hidden share', percent, 0.0, MOST_HIDDEN, '%')
    view = seen_from_outside(pair.target)
    place = _image(pair.target) if view else pair.target
    order = np.argsort(place @ _unit(rng, place.shape[1]), kind='stable')
    kept, gone = np.split(order, [round(len(place) * (1.0 - percent / 100.0))])
    part = _seen(pair, pair.target[np.sort(kept)])
    return replace(part, scene_points=OCCLUDER * pair.target[gone]) if view else part


def noisy(pair: PosePair, percent: float, rng: Rng) -> PosePair:
    """Add Gaussian noise to the target, with a deviation in percent of the source's diameter.

    It is along the rays of single views, as that of a depth camera, else isotropic. Raises
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
    """Keep a random sample of the target's points; raises ConfigError for more than it has."""
    _require('number of points', count, 16, len(pair.target), 'points')
    return _seen(pair, pair.target[rng.permutation(len(pair.target))[:int(count)]])


def misaligned(pair: PosePair, angle_deg: float, rng: Rng) -> PosePair:
    """Rotate the target about the origin so that its rotation is `angle_deg` about a random axis.

    A single view remains one of a camera at the origin, in another direction. Raises ConfigError
    outside [0, 180].
    """
    _require('misalignment', angle_deg, 0.0, 180.0, 'degrees')
    wanted = Rotation.from_rotvec(_unit(rng, 3) * angle_deg, degrees=True).as_matrix()
    T = np.eye(4)
    T[:3, :3] = wanted @ pair.T_target_source[:3, :3].T
    return replace(pair, target=transform(T, pair.target).astype(np.float32),
                   T_target_source=T @ pair.T_target_source)


def _seen(pair: PosePair, target: Points) -> PosePair:
    """Return the pair with another target."""
    return replace(pair, target=target.astype(np.float32))


def _image(points: Points) -> Points:
    """Return x / z and y / z (N, 2) of a camera at the origin that looks at the centroid."""
    rotated = points @ view_frames(points.mean(axis=0)[None])[0].T
    return rotated[:, :2] / rotated[:, 2:]


def _unit(rng: Rng, size: int) -> NDArray[np.float64]:
    """Return a uniformly random unit vector."""
    vector = rng.standard_normal(size)
    return vector / np.linalg.norm(vector)


def _require(what: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise ConfigError(f'{what} = {value:g} {unit}: must lie in [{low:g}, {high:g}]')
