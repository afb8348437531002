"""The errors of BOP: hand-computed cases, naive twins, and what symmetry must forgive."""

from helpers.objects import boxes, pose, random_rotation_matrix
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.evaluation.pose.bop_errors import mspd, mssd, vsd
from pointpng_core.evaluation.pose.bop_judge import PoseJudge
from pointpng_core.evaluation.pose.bop_recall import VSD_TOLERANCES
from pointpng_core.evaluation.pose.metrics import add_s
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.geometry.rigid_motion import transform

CAMERA = PinholeCamera(width=320, height=240, fx=300, fy=300, cx=159.5, cy=119.5)
NONE = np.eye(4)[None]
CUBE = boxes(((-0.05, -0.05, -0.05), (0.05, 0.05, 0.05)))
AHEAD = pose(np.eye(3), (0, 0, 0.8))
TAUS_M = np.array([0.005, 0.02])


def moved(*shift):
    return pose(np.eye(3), AHEAD[:3, 3] + shift)


def add(points, T_estimate, T_truth):
    """Return ADD (Hinterstoisser 2012): the mean distance of model points between two poses."""
    gaps = transform(T_estimate, points) - transform(T_truth, points)
    return np.linalg.norm(gaps, axis=1).mean()


def test_a_shift_is_the_error_of_add_and_mssd():
    T = moved(0.003, 0, 0.004)
    assert add(CUBE.vertices, T, AHEAD) == pytest.approx(0.005)
    assert mssd(CUBE.vertices, T, AHEAD, NONE) == pytest.approx(0.005)


def test_add_s_takes_the_nearest_vertex():
    T = moved(0.1, 0, 0)  # by one side: half of the true vertices lie on estimated ones
    assert add(CUBE.vertices, T, AHEAD) == pytest.approx(0.1)
    assert add_s(CUBE.vertices, T, AHEAD) == pytest.approx(0.05)


def test_a_rotation_moves_the_farthest_point_most():
    R = Rotation.from_rotvec([0, 0, np.radians(60)]).as_matrix()  # chord = radius
    assert mssd(CUBE.vertices, pose(R, (0, 0, 0.8)), AHEAD, NONE) == pytest.approx(
        0.05 * np.sqrt(2))


def test_a_sideways_shift_moves_the_nearest_points_most_in_the_image():
    error = mspd(CUBE.vertices, moved(0.01, 0, 0), AHEAD, NONE, CAMERA)
    assert error == pytest.approx(300 * 0.01 / 0.75)


def test_points_behind_the_camera_are_infinitely_far():
    assert mspd(CUBE.vertices, pose(np.eye(3), (0, 0, 0.02)), AHEAD, NONE, CAMERA) == np.inf
    assert mspd(CUBE.vertices, AHEAD, pose(np.eye(3), (0, 0, 0.02)), NONE, CAMERA) == np.inf


def quarter_turns():
    return np.stack([pose(Rotation.from_rotvec([0, 0, k * np.pi / 2]).as_matrix(), (0, 0, 0))
                     for k in range(4)])


def test_a_rotation_by_a_symmetry_is_no_error():
    T = AHEAD @ quarter_turns()[1]
    assert mssd(CUBE.vertices, T, AHEAD, NONE) > 0.09
    assert mssd(CUBE.vertices, T, AHEAD, quarter_turns()) < 1e-9
    assert mspd(CUBE.vertices, T, AHEAD, quarter_turns(), CAMERA) < 1e-9


@pytest.mark.parametrize('seed', range(5))
def test_bounds_change_nothing_against_all_motions_of_all_points(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(700, 3)) * [0.05, 0.03, 0.02]
    symmetries = np.stack([pose(Rotation.from_rotvec([0, 0, angle]).as_matrix(), (0.01, 0, 0))
                           for angle in np.linspace(0, 6, 40)])
    T_truth = pose(random_rotation_matrix(seed), (0, 0, 0.8))
    T_estimate = pose(random_rotation_matrix(seed + 9), (0.01, 0, 0.85))
    surface, image = [], []
    for g in symmetries:
        a, b = (T[:3, :3] @ points.T + T[:3, 3:] for T in (T_estimate, T_truth @ g))
        surface.append(np.sqrt(((a - b) ** 2).sum(axis=0)).max())
        image.append(300 * np.sqrt(((a[:2] / a[2] - b[:2] / b[2]) ** 2).sum(axis=0)).max())
    assert mssd(points, T_estimate, T_truth, symmetries) == pytest.approx(min(surface))
    assert mspd(points, T_estimate, T_truth, symmetries, CAMERA) == pytest.approx(min(image))


def flat(value, rows=slice(100, 140), columns=slice(150, 170)):
    depth_m = np.zeros(CAMERA.image_shape, dtype=np.float32)
    depth_m[rows, columns] = value
    return depth_m


def test_vsd_of_equal_surfaces_is_zero_and_of_separate_ones_one():
    scene = np.full(CAMERA.image_shape, 1.0, dtype=np.float32)
    here, there = flat(0.8), flat(0.8, columns=slice(200, 220))
    assert vsd(scene, here, here, CAMERA, tolerances_m=TAUS_M).tolist() == [0, 0]
    assert vsd(scene, there, here, CAMERA, tolerances_m=TAUS_M).tolist() == [1, 1]


def test_vsd_is_the_share_of_pixels_that_differ():
    scene = np.full(CAMERA.image_shape, 1.0, dtype=np.float32)
    half_over = flat(0.8, columns=slice(160, 180))  # 10 columns shared of 30
    assert vsd(scene, half_over, flat(0.8), CAMERA, tolerances_m=TAUS_M) == pytest.approx(2 / 3)
    farther = flat(0.81)  # 10 mm off, between the two tolerances
    assert vsd(scene, farther, flat(0.8), CAMERA, tolerances_m=TAUS_M).tolist() == [1, 0]


def test_what_is_hidden_at_both_poses_does_not_count():
    scene = np.full(CAMERA.image_shape, 1.0, dtype=np.float32)
    scene[100:120, 150:170] = 0.5  # something before the upper half
    estimate = flat(0.8, rows=slice(120, 140))
    assert vsd(scene, estimate, flat(0.8), CAMERA, tolerances_m=TAUS_M).tolist() == [0, 0]
    scene[100:120] = 0  # not measured: counts as visible
    assert vsd(scene, estimate, flat(0.8), CAMERA, tolerances_m=TAUS_M).tolist() == [0.5, 0.5]


def test_an_estimate_behind_the_true_surface_is_compared_with_it():
    scene = flat(0.8)
    assert vsd(scene, flat(0.83), flat(0.8), CAMERA, tolerances_m=TAUS_M).tolist() == [1, 1]
    assert vsd(scene, flat(0.83), flat(0.8), CAMERA,
               tolerances_m=np.array([0.04])).tolist() == [0]


def test_nothing_visible_is_an_error_of_one():
    scene = np.full(CAMERA.image_shape, 0.3, dtype=np.float32)
    assert vsd(scene, flat(0.8), flat(0.8), CAMERA, tolerances_m=TAUS_M).tolist() == [1, 1]


def judged(T_estimates, depth_m, model=CUBE, **options):
    judge = PoseJudge(model, diameter_m=0.1 * np.sqrt(3),
                      symmetries=options.pop('symmetries', NONE))
    return judge.errors(np.stack(T_estimates), np.ones(len(T_estimates)), AHEAD[None],
                        np.ones(1, dtype=bool), depth_m=depth_m, camera=CAMERA)


def test_a_cube_is_rendered_where_it_is():
    empty = np.zeros(CAMERA.image_shape, dtype=np.float32)
    nearer, sideways = moved(0, 0, -0.03), moved(0.05, 0, 0)
    errors = judged([AHEAD, nearer, sideways], empty)
    diameter_m = 0.1 * np.sqrt(3)
    np.testing.assert_allclose(errors.mssd[:, 0], np.array([0, 0.03, 0.05]) / diameter_m,
                               atol=1e-6)
    assert errors.mspd[2, 0] == pytest.approx(2 * 300 * 0.05 / 0.75)  # 320 px wide: doubled
    assert (errors.vsd[0] == 0).all()
    # Its face of 40 x 40 px at 0.75 m becomes one of 41.67 x 41.67 px, all of it 30 mm off, which
    # is .173 of the diameter; the visible sides are off by no more.
    assert (errors.vsd[1, 0, VSD_TOLERANCES < 0.17] > 0.99).all()
    assert (errors.vsd[1, 0, VSD_TOLERANCES > 0.18] == pytest.approx(1 - 40 ** 2 / 41.67 ** 2,
                                                                     abs=0.03))
    # Half of the face is on the old one; 20 of 60 columns agree, but for the sides of the cube.
    assert errors.vsd[2, 0] == pytest.approx(2 / 3, abs=0.03)


def test_a_model_without_a_surface_has_no_vsd():
    empty = np.zeros(CAMERA.image_shape, dtype=np.float32)
    errors = judged([AHEAD], empty, model=CUBE.vertices)
    assert errors.vsd is None
    assert errors.mssd[0, 0] == 0
