"""Observability of poses, and scores of poses moved along what is not observable."""

from helpers.objects import moved, pose, random_rotation_matrix, view
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.uncertainty.observability import pose_observability
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.rigid_motion import curvature, motion_rows
from pointpng_core.simulation.shapes.catalogue import make_object

T = pose(random_rotation_matrix(3), (0.1, -0.2, 0.9))


def seen(reference, keep=slice(None)):
    """Points of a reference's surface at T that are visible, selected by `keep`."""
    return moved(T, reference.points[keep])


def body(mug):
    """Which points of a mug are not of its handle: those near the axis, which is z."""
    reach = np.linalg.norm(mug.points[:, :2], axis=1)
    return reach < 1.1 * np.median(reach)


def test_curvature_is_how_the_distances_change():
    rng = np.random.default_rng(0)
    points, normals = rng.normal(size=(2, 300, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    step = 1e-6 * rng.normal(size=6)
    rotated = Rotation.from_rotvec(step[:3] / (2.0 / 2)).apply(points) + step[3:]
    change = np.einsum('ij,ij->i', rotated - points, normals)
    expected = step @ curvature(motion_rows(points, normals, 2.0)) @ step
    assert np.mean(change ** 2) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('name', ['mug', 'drill', 'can', 'bowl', 'box'])
def test_a_full_surface_constrains_everything_but_its_symmetry(reference, name):
    assert pose_observability(T, seen(reference(name)), reference(name)).share > 0.4


def test_what_no_view_could_constrain_does_not_count(estimator):
    """A can without a declared symmetry, and a flat object of which one side is known."""
    can = estimator.reference_from_model(make_object('can').mesh, name='can', symmetry=Symmetry())
    assert pose_observability(T, seen(can), can).share > 0.4
    flat = np.random.default_rng(0).uniform((-0.1, -0.05, 0.7), (0.1, 0.05, 0.7002), (800, 3))
    sheet = estimator.reference_from_view(flat.astype(np.float32), name='sheet')
    assert pose_observability(T, seen(sheet), sheet).share > 0.4


def test_without_its_handle_the_rotation_of_a_mug_is_not_observable(reference):
    mug = reference('mug')
    observability = pose_observability(T, seen(mug, body(mug)), mug)
    assert observability.share < 0.1
    rotation = observability.twist[:3]
    assert np.linalg.norm(rotation) > 0.9
    T_rotated = observability.moved(T, mug, step=0.35)
    assert np.linalg.norm(T_rotated[:3, :3] - T[:3, :3]) / np.sqrt(8) == pytest.approx(
        np.sin(0.35 * np.linalg.norm(rotation) / 2), rel=1e-6)
    # The body does not move, hence no residual changes.
    assert pose_observability(T_rotated, seen(mug, body(mug)), mug).share < 0.1


def test_a_single_point_constrains_no_pose(reference):
    assert pose_observability(T, seen(reference('drill'))[:1], reference('drill')).share < 1e-6


def test_the_true_pose_explains_most(estimator, reference):
    drill = reference('drill')
    cloud = view(make_object('drill').mesh, T, noise=1.0)
    rotations = [Rotation.from_euler('y', angle, degrees=True).as_matrix()
                 for angle in (0, 20, -20)]
    scores = [judged.score for judged in estimator.judge_batch(
        [cloud] * 3, [drill] * 3, [T @ pose(R) for R in rotations], viewpoint='sensor')]
    assert scores[0] > 0.7
    assert max(scores[1:]) < 0.8 * scores[0]


def test_poses_to_judge_are_checked(estimator, reference):
    assert estimator.judge_batch([], [], []) == []
    can = reference('can')
    with pytest.raises(ConfigError, match='one of each per observation'):
        estimator.judge_batch([seen(can)], [can], [])
    with pytest.raises(ConfigError, match='not finite'):
        estimator.judge_batch([seen(can)], [can], [np.full((4, 4), np.nan)])
