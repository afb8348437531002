"""The box that an object may fill whose pose is poorly constrained, for collision avoidance.

A mug whose handle is hidden may be rotated about its axis. The box of the mug at one such pose
does not hold its handle at another one.
"""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.uncertainty.covariance import FREE_SHIFT_DIAMETERS
from pointpng_core.reference.reference import Reference

Vector = NDArray[np.float64]
Box = tuple[Vector, Vector]
"""Centre (3,) and size (3,) in metres, sides along the axes of the reference."""


def swept_box(reference: Reference, twist: Vector) -> Box:
    """Return the box that holds a reference however far it moves along a poorly constrained twist.

    `twist` (6,) is that of `Observability`. A twist that is mostly a rotation is taken as any
    rotation about its axis; one that is mostly a shift, as one by up to half a diameter.
    """
    half_m = reference.diameter_m / 2
    rotation, shift_m = twist[:3], half_m * twist[3:]
    if np.linalg.norm(rotation) < np.linalg.norm(twist[3:]):
        reach_m = FREE_SHIFT_DIAMETERS * reference.diameter_m
        return _shifted(reference.box, reach_m * shift_m / np.linalg.norm(shift_m))
    # The points of the axis are those that a rotation about the centre and the shift of the
    # centre move along the axis only.
    on_axis = reference.centre + np.cross(rotation, shift_m) / (rotation @ rotation)
    return _rotated(reference.points.astype(np.float64), on_axis,
                    rotation / np.linalg.norm(rotation))


def _shifted(box: Box, reach_m: Vector) -> Box:
    """Return the box around a box that is shifted by up to `reach_m` (3,) in either direction."""
    centre_m, size_m = box
    return centre_m, size_m + 2.0 * np.abs(reach_m)


def _rotated(points_m: Vector, on_axis_m: Vector, axis: Vector) -> Box:
    """Return the box around the circles that points (N, 3) draw about an axis (3,) of length 1."""
    heights_m = (points_m - on_axis_m) @ axis
    middles_m = on_axis_m + heights_m[:, None] * axis
    radii_m = np.linalg.norm(points_m - middles_m, axis=1)
    reaches_m = radii_m[:, None] * np.sqrt(np.clip(1.0 - axis ** 2, 0.0, None))
    low_m, high_m = (middles_m - reaches_m).min(axis=0), (middles_m + reaches_m).max(axis=0)
    return (low_m + high_m) / 2, high_m - low_m
