"""Boxes around all that a poorly constrained motion may make of an object; naive twins."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.estimation.uncertainty.free_motion import swept_box

CENTRE, SIZE, DIAMETER_M = np.array([0.1, -0.2, 0.05]), np.array([0.12, 0.08, 0.1]), 0.2
MIDDLE = np.array([0.08, -0.19, 0.05])
CORNERS = MIDDLE + SIZE / 2 * np.array(list(product((-1, 1), repeat=3)))
OBJECT = SimpleNamespace(points=CORNERS, box=(MIDDLE, SIZE), centre=CENTRE, diameter_m=DIAMETER_M)


def twist_about(axis, on_axis):
    """The unit twist of a rotation about an axis through a point, as `Observability` has it."""
    shift_m = np.cross(axis, CENTRE - on_axis)
    twist = np.concatenate((axis, shift_m / (DIAMETER_M / 2)))
    return twist / np.linalg.norm(twist)


def rotated(axis, on_axis):
    """Corners under all rotations by whole degrees."""
    turns = Rotation.from_rotvec(np.radians(np.arange(360))[:, None] * axis).as_matrix()
    return np.concatenate([(CORNERS - on_axis) @ R.T + on_axis for R in turns])


@pytest.mark.parametrize('seed', range(8))
def test_the_box_is_that_of_all_rotations_about_the_axis(seed):
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    on_axis = CENTRE + rng.uniform(-0.03, 0.03, 3)
    centre_m, size_m = swept_box(OBJECT, twist_about(axis, on_axis))
    swept = rotated(axis, on_axis)
    np.testing.assert_allclose(size_m, np.ptp(swept, axis=0), rtol=1e-3)
    np.testing.assert_allclose(centre_m, (swept.min(axis=0) + swept.max(axis=0)) / 2, atol=1e-4)


def test_a_shift_lengthens_the_box_by_half_a_diameter_on_either_side():
    along = np.array([0.6, 0.0, -0.8])
    centre_m, size_m = swept_box(OBJECT, np.concatenate((np.zeros(3), along)))
    np.testing.assert_allclose(centre_m, MIDDLE)
    np.testing.assert_allclose(size_m - SIZE, DIAMETER_M * np.abs(along))
