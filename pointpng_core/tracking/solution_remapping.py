"""Keeps a tracked pose from sliding where nothing that is seen holds it.

The handle of a mug is hidden, and any spin about its axis explains the points: registration then
follows the noise. Such directions show in the normal equations of the registration as small
eigenvalues; along them the pose is where it was expected (solution remapping, Zhang, Kaess and
Singh 2016), with a smooth transition.
"""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.registration.residuals import plane_rows
from pointpng_core.geometry.rigid_motion import Motion, curvature
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]


def remap_solution(T: Matrix, T_expected: Matrix, points: NDArray[np.floating], reference: Reference, *,
             degeneracy_threshold: float) -> Matrix:
    """Return a registered pose (4, 4) with its free directions taken from the expected one.

    `points` (n, 3) in the camera's frame. Where the mean squared change of the distances from the
    surface is `degeneracy_threshold` times that of the step itself, half of the step is taken; a turn counts as
    the way of a point half a diameter from the centre.
    """
    rows, _ = plane_rows(T, points, reference)
    values, axes = np.linalg.eigh(curvature(rows))
    trust = np.clip(values, 0.0, None) ** 2
    trust = trust / (trust + degeneracy_threshold ** 2 + 1e-12)
    centre, radius = reference.centre, reference.diameter_m / 2
    step = Motion.of(np.linalg.inv(T_expected) @ T, centre)
    held = axes @ (trust * (axes.T @ np.concatenate((step.rotation_rad * radius, step.shift_m))))
    return T_expected @ Motion(rotation_rad=held[:3] / radius, shift_m=held[3:]).over(1.0, centre)
