"""Errors of a depth sensor, after Nguyen, Izadi and Lovell (3DIMPVT 2012) for the Kinect."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import option
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.simulation.rendering import DepthImage

_JITTER_TABLE = 256


@dataclass(frozen=True, kw_only=True)
class SensorErrors(DepthNoise):
    """Axial noise that grows with distance, lateral jitter, and pixels without a reading."""

    lateral_px: float = option(0.5, help='Standard deviation of the pixel that is really read.',
                               unit='px', low=0, high=2)
    dropped_share: float = option(0.01, help='Pixels without a reading, anywhere.',
                                  low=0, high=1)
    edge_dropped_share: float = option(0.35, help='Pixels without a reading at depth jumps.',
                                       low=0, high=1)
    edge_m: float = option(0.02, help='Smallest jump of depth that counts as an edge.', unit='m',
                           low=0)
    grazing_deg: float = option(80.0, help='No reading beyond this angle of incidence.',
                                unit='deg', low=0, high=90)
    quantum_per_m: float = option(0.0, help='Step of inverse depth; 0 means no quantisation '
                                  '(a Kinect has 0.0028).', unit='1/m', low=0, high=0.1)

    def scaled(self, level: float) -> 'SensorErrors':
        """Return the same sensor `level` times as bad; 0 is ideal."""
        return replace(self, axial_m=self.axial_m * level,
                       axial_growth=self.axial_growth * level,
                       lateral_px=min(self.lateral_px * level, 2.0),
                       dropped_share=min(self.dropped_share * level, 1.0),
                       edge_dropped_share=min(self.edge_dropped_share * level, 1.0),
                       grazing_deg=self.grazing_deg if level else 90.0,
                       quantum_per_m=min(self.quantum_per_m * level, 0.1))


def measure(image: DepthImage, noise: SensorErrors, rng: np.random.Generator, *,
            near_m: float, far_m: float) -> NDArray[np.float32]:
    """Return the depth (H, W) in metres that the sensor measures; NaN where it measures none."""
    with np.errstate(invalid='ignore', over='ignore'):
        depth_m = _jittered(image.depth_m, noise.lateral_px, rng)
        sigma_m = noise.sigma_m(depth_m)
        depth_m += sigma_m * rng.standard_normal(depth_m.shape, dtype=np.float32)
        if noise.quantum_per_m:
            steps = np.maximum(np.round(1 / (depth_m * noise.quantum_per_m)), 1)
            depth_m = (1 / (steps * noise.quantum_per_m)).astype(np.float32)
        lost = rng.random(depth_m.shape, dtype=np.float32) < _loss(image, noise)
        lost |= ~((depth_m >= near_m) & (depth_m <= far_m))
    depth_m[lost] = np.nan
    return depth_m


def _jittered(depth_m: NDArray[np.float32], sigma_px: float,
              rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the depth with inner pixels read from neighbours at normal random offsets."""
    if sigma_px == 0:
        return depth_m.copy()
    height, width = depth_m.shape
    shifts = np.rint(rng.normal(scale=sigma_px, size=(2, _JITTER_TABLE))).astype(np.int64)
    sampled = rng.integers(0, _JITTER_TABLE, size=depth_m.shape, dtype=np.uint8)
    read = np.arange(height * width).reshape(height, width)
    rim = max(int(np.abs(shifts).max()), 1)
    inner = (slice(rim, -rim), slice(rim, -rim))
    read[inner] += (shifts[0] * width + shifts[1])[sampled[inner]]
    return depth_m.take(read)


def _loss(image: DepthImage, noise: SensorErrors) -> NDArray[np.float32]:
    """Return the probability (H, W) that a pixel has no reading."""
    loss = np.full(image.depth_m.shape, noise.dropped_share, dtype=np.float32)
    loss[_edges(image.depth_m, noise.edge_m)] += np.float32(noise.edge_dropped_share)
    loss[image.cosine < np.cos(np.radians(noise.grazing_deg))] = 2.0
    return loss


def _edges(depth_m: NDArray[np.float32], jump_m: float) -> NDArray[np.bool_]:
    """Return the pixels on either side of a jump in depth."""
    edges = np.zeros(depth_m.shape, dtype=bool)
    across = ~(np.abs(depth_m[:, 1:] - depth_m[:, :-1]) <= jump_m)
    down = ~(np.abs(depth_m[1:] - depth_m[:-1]) <= jump_m)
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges
