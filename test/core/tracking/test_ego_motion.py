"""The motion of the camera from that of most objects."""

from helpers.objects import apart_deg, pose
import numpy as np
from scipy.spatial.transform import Rotation

from pointpng_core.tracking.ego_motion import common_motion


def test_the_common_motion_is_that_of_most_objects():
    T = pose(Rotation.from_rotvec([0.02, 0.05, -0.01]).as_matrix(), (0.02, -0.03, 0.01))
    before = np.random.default_rng(0).uniform(-0.3, 0.3, (6, 3))
    after = before @ T[:3, :3].T + T[:3, 3]
    assert np.allclose(common_motion(list(before), list(after)), T, atol=1e-9)
    after[2] += (0.0, 0.1, 0.0)                       # one moves on its own
    found = common_motion(list(before), list(after))
    assert apart_deg(found, T) < 0.2
    assert np.abs(found - T)[:3, 3].max() < 0.002


def test_too_few_objects_or_a_row_of_them_do_not_determine_the_motion():
    row = [np.array([x, 0.1, 0.5]) for x in (0.0, 0.2, 0.4)]
    assert common_motion(row, row) is None
    assert common_motion(row[:2], row[:2]) is None
    assert common_motion([], []) is None
