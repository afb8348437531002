"""The largest plane in an organised cloud, and the errors along z of the pixels on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pointpng_core.geometry.depth_noise import MAD_SIGMA
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.plane_detection import find_planes

LEAST_SHARE = 0.1
"""A wall fills at least this share of the image."""
_SAMPLE, _FIT_SAMPLE = 4000, 40_000
_REFITS = 6
_OUTLIER_SIGMAS = 4.0
_RIM_PX, _SOLID = 9, 0.85


@dataclass(frozen=True, kw_only=True, eq=False)
class Wall:
    """A plane in an image.

    depth_m, error_m (H, W): the plane's depth, and what was measured minus that, NaN without a
    reading; inside (H, W): its pixels, but for its rims and for what stands before it;
    sigma_per_m: robust standard deviation of inverse depth; slope_per_m: change of inverse depth
    from pixel to pixel, where it is steepest; incidence_deg: of the ray in its middle.
    """

    depth_m: NDArray[np.float64]
    error_m: NDArray[np.float64]
    inside: NDArray[np.bool_]
    sigma_per_m: float
    slope_per_m: float
    incidence_deg: float


def find_wall(points: NDArray[np.floating]) -> Wall | None:
    """Return the largest plane of points (H, W, 3) in the optical frame; None where there is none.

    The inverse depth of a plane is linear in the ray of a pixel; it is fitted by least squares, in
    turn with leaving out what lies more than four standard deviations off.
    """
    valid = np.isfinite(points).all(axis=-1) & (points[..., 2] > 0)
    coefficients = _proposal(points[valid].astype(np.float64))
    if coefficients is None:
        return None
    z: NDArray[np.float64] = np.where(valid, points[..., 2], 1.0).astype(np.float64)
    rays = np.where(valid[..., None], points, 1.0).astype(np.float64) / z[..., None]
    inside, sigma = valid, 0.0
    for refit in range(_REFITS):
        relative = np.abs(z - 1 / _facing(rays @ coefficients)) / z ** 2
        reach = 0.03 if refit == 0 else _OUTLIER_SIGMAS * sigma
        inside = valid & (relative < max(reach, 1e-9))
        if inside.sum() < LEAST_SHARE * inside.size:
            return None
        sigma = MAD_SIGMA * float(np.median(relative[inside]))
        coefficients = _fit(rays[inside], z[inside])
    depth_m = np.where(valid, 1 / _facing(rays @ coefficients), np.nan)
    inside = inside & (uniform_filter(inside.astype(np.float32), _RIM_PX) > _SOLID)
    if inside.sum() < LEAST_SHARE * inside.size:
        return None
    incidence_deg = _incidence_deg(coefficients, rays[inside].mean(axis=0))
    return Wall(depth_m=depth_m, error_m=z - depth_m, inside=inside, sigma_per_m=sigma,
                slope_per_m=_slope_per_m(depth_m), incidence_deg=incidence_deg)


def _proposal(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the coefficients (3,) of a plane of points (N, 3): inverse depth over the ray."""
    sample = points[::max(1, len(points) // _SAMPLE)]
    tolerance_m = 0.004 + 0.008 * sample[:, 2] ** 2
    planes = find_planes(sample, tolerance_m, config=SegmenterConfig(), most=1)
    if not planes or abs(planes[0].offset_m) < 1e-3:
        return None
    coefficients: NDArray[np.float64] = -planes[0].normal / planes[0].offset_m
    return coefficients


def _fit(rays: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares coefficients (3,) for rays (N, 3) and depths (N,)."""
    step = max(1, len(z) // _FIT_SAMPLE)
    found = np.linalg.lstsq(rays[::step], 1 / z[::step], rcond=None)[0]
    return found.astype(np.float64)


def _facing(inverse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return inverse depths (H, W) of a plane, tiny where the ray misses it."""
    return np.maximum(inverse, 1e-3)


def _slope_per_m(depth_m: NDArray[np.float64]) -> float:
    """Return the gradient of the inverse of depths (H, W), which is that of all pixels."""
    across, down = (np.nanmedian(np.diff(1 / depth_m, axis=axis)) for axis in (0, 1))
    return float(np.hypot(across, down))


def _incidence_deg(coefficients: NDArray[np.float64], ray: NDArray[np.float64]) -> float:
    cosine = coefficients @ ray / np.linalg.norm(coefficients) / np.linalg.norm(ray)
    return float(np.degrees(np.arccos(np.clip(abs(cosine), 0, 1))))
