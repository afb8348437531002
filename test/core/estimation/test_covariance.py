"""Covariance of poses: beside the spread of many registrations, free directions, other frames."""

from dataclasses import replace
import time

from helpers.objects import pose, random_rotation_matrix, view
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.estimation.uncertainty.covariance import pose_covariance, rotated_covariance
from pointpng_core.estimation.uncertainty.observability import plane_rows
from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.geometry.rigid_motion import point_sigma_m
from pointpng_core.simulation.shapes.catalogue import make_object

PLACE = (0.05, -0.03, 0.6)
FREE_RAD = np.pi / np.sqrt(3)


def error_of(T, T_true):
    """Shift and rotation (6,) of a pose against the true one, in the axes of the camera."""
    rotation = Rotation.from_matrix(T[:3, :3] @ T_true[:3, :3].T).as_rotvec()
    return np.concatenate((T[:3, 3] - T_true[:3, 3], rotation))


def perturbed(T, error):
    return pose(Rotation.from_rotvec(error[3:]).as_matrix() @ T[:3, :3], T[:3, 3] + error[:3])


@pytest.fixture(scope='module')
def registered(estimator, reference):
    """A function from an object and a seed to its true pose, and poses under many noises."""
    def register(name, seed, count):
        T = pose(random_rotation_matrix(seed), PLACE)
        clouds = [view(make_object(name).mesh, T, noise=1.0, seed=noise)
                  for noise in range(count)]
        found = estimator.track_batch(clouds, [reference(name)] * count, [T] * count)
        return T, [(pose.T_observation_reference, cloud) for pose, cloud in zip(found, clouds)
                   if pose]
    return register


@pytest.mark.parametrize(('name', 'seed'), [('drill', 1), ('bracket', 2), ('hammer', 4)])
def test_the_spread_of_many_registrations_is_about_what_one_predicts(registered, reference,
                                                                     name, seed):
    T, found = registered(name, seed, 40)
    assert len(found) == 40
    errors = np.array([error_of(T_found, T) for T_found, _ in found])
    covariance = np.mean([pose_covariance(*each, reference(name)) for each in found], axis=0)
    # In the axes of the mean covariance, so that sure and unsure directions are compared apart.
    values, axes = np.linalg.eigh(covariance)
    ratio = np.sqrt(np.mean((errors @ axes) ** 2, axis=0) / values)
    assert (ratio > 0.15).all()
    assert (ratio < 2.0).all()
    assert 0.25 < np.sqrt(np.mean(ratio ** 2)) < 1.5


def test_errors_of_different_views_lie_within_what_is_expected(registered, reference):
    squared = []
    for seed in range(12):
        T, ((T_found, cloud),) = registered('drill', seed, 1)
        error = error_of(T_found, T)
        squared.append(error @ np.linalg.solve(
            pose_covariance(T_found, cloud, reference('drill')), error))
    assert 0.5 < np.mean(squared) < 12                  # 6 on average, were it exact
    assert max(squared) < 30


def test_it_is_the_inverse_of_the_hessian_of_the_distances(reference):
    """A naive twin: differences of the distances themselves, without rows, scales or transport."""
    model = reference('drill')
    T = pose(random_rotation_matrix(1), PLACE)
    cloud = view(make_object('drill').mesh, T, noise=1.0)[::20]
    _, still = plane_rows(T, cloud, model)

    def distances(error):
        return plane_rows(perturbed(T, error), cloud, model)[1]

    step = 1e-5
    J = np.array([distances(step * axis) - distances(-step * axis)
                  for axis in np.eye(6)]).T / (2 * step)
    usable = np.abs(J).max(axis=1) < 5.0                # others changed their nearest point
    J = J[usable]
    sigma2 = still @ still / (len(still) - 6)
    twin = np.linalg.inv(J.T @ J / len(J) * min(100, len(cloud)) / sigma2)
    covariance = pose_covariance(T, cloud, model)
    assert usable.mean() > 0.8
    deviation = np.sqrt(np.diag(covariance) / np.diag(twin))
    assert (deviation > 0.7).all()
    assert (deviation < 1.4).all()


@pytest.mark.parametrize('name', ['can', 'bottle'])
def test_the_free_spin_is_unknown_and_nothing_else(registered, reference, name):
    _, ((T_found, cloud),) = registered(name, 3, 1)
    covariance = pose_covariance(T_found, cloud, reference(name))
    axis = T_found[:3, 2]
    assert np.sqrt(axis @ covariance[3:, 3:] @ axis) == pytest.approx(FREE_RAD, rel=0.01)
    across = np.linalg.svd(axis[None])[2][1:]
    assert np.sqrt(np.diag(across @ covariance[3:, 3:] @ across.T)).max() < np.radians(3)
    assert np.sqrt(np.diag(covariance)[:3]).max() < 0.005     # the origin lies on the axis
    assert np.sqrt(np.linalg.eigvalsh(covariance[3:, 3:])[-1]) == pytest.approx(FREE_RAD, rel=0.02)


def with_symmetry(reference, *elements):
    return replace(reference, symmetry=Symmetry(elements=elements))


def test_an_origin_off_the_axis_goes_round_with_the_spin(reference):
    aside = with_symmetry(reference('can'),
                          Rotational(axis=(0, 0, 1), order=CONTINUOUS, point=(0.1, 0, 0)))
    T = pose(random_rotation_matrix(3), PLACE)
    covariance = pose_covariance(T, view(make_object('can').mesh, T), aside)
    tangent = T[:3, 1]
    # Bounded by the prior on the position: half a diameter.
    assert 0.3 * aside.diameter_m < np.sqrt(tangent @ covariance[:3, :3] @ tangent) < 0.19


def test_a_ball_has_no_orientation(reference):
    ball = with_symmetry(reference('can'), *(
        Rotational(axis=axis, order=CONTINUOUS, point=tuple(reference('can').centre))
        for axis in ((1, 0, 0), (0, 1, 0))))
    T = pose(random_rotation_matrix(3), PLACE)
    covariance = pose_covariance(T, view(make_object('can').mesh, T), ball)
    assert np.allclose(np.linalg.eigvalsh(covariance[3:, 3:]), FREE_RAD ** 2, rtol=1e-6)


def test_points_without_information_leave_the_bounded_prior(reference):
    model = reference('drill')
    far = np.full((50, 3), 5.0, np.float32)
    covariance = pose_covariance(pose(t=PLACE), far, model)
    assert np.allclose(np.sqrt(np.diag(covariance)[3:]), FREE_RAD)
    assert np.isfinite(covariance).all()
    place = np.sqrt(np.diag(covariance)[:3])
    assert (place >= 0.5 * model.diameter_m - 1e-9).all()


def test_every_covariance_is_symmetric_and_positive(reference):
    for seed, name in enumerate(['drill', 'can', 'mug', 'bowl', 'box'] * 2):
        T = pose(random_rotation_matrix(seed), PLACE)
        cloud = view(make_object(name).mesh, T, noise=float(seed % 2), seed=seed)
        for points in (cloud, cloud[::400], cloud[:1]):
            covariance = pose_covariance(T, points, reference(name))
            assert (covariance == covariance.T).all()
            assert np.linalg.eigvalsh(covariance)[0] > 0


def test_another_frame_rotates_the_axes():
    """Samples of the errors, moved one by one, have the covariance that was moved."""
    rng = np.random.default_rng(0)
    root = np.tril(rng.normal(size=(6, 6))) * 1e-3
    T_camera_object = pose(random_rotation_matrix(1), PLACE)
    T_base_camera = pose(random_rotation_matrix(2), (3, 2, 1))
    errors = rng.normal(size=(4000, 6)) @ root.T
    T_base_object = T_base_camera @ T_camera_object
    moved = np.array([error_of(T_base_camera @ perturbed(T_camera_object, error), T_base_object)
                      for error in errors])
    sampled = errors.T @ errors / len(errors)
    assert np.allclose(rotated_covariance(sampled, T_base_camera[:3, :3]),
                       moved.T @ moved / len(moved), rtol=0, atol=1e-6 * np.abs(sampled).max())


@pytest.mark.parametrize('seed', range(3))
def test_rotating_the_scene_rotates_the_covariance(reference, seed):
    T, R = pose(random_rotation_matrix(1), PLACE), random_rotation_matrix(seed + 5)
    cloud = view(make_object('drill').mesh, T, noise=1.0).astype(np.float64)
    covariance = pose_covariance(T, cloud, reference('drill'))
    rotated = pose_covariance(pose(R, (0.2, 0, 1)) @ T, cloud @ R.T + (0.2, 0, 1),
                             reference('drill'))
    assert np.allclose(rotated_covariance(covariance, R), rotated, rtol=1e-3,
                       atol=1e-3 * np.abs(covariance).max())


@pytest.mark.parametrize('seed', range(3))
def test_a_point_of_the_object_moves_as_many_perturbed_poses_move_it(seed):
    rng = np.random.default_rng(seed)
    root, arm_m = 1e-3 * rng.normal(size=(6, 6)), rng.normal(size=3)
    T = pose(random_rotation_matrix(seed), PLACE)
    moved = np.array([(perturbed(T, root @ noise) @ [*(T[:3, :3].T @ arm_m), 1.0])[:3]
                      for noise in rng.normal(size=(4000, 6))])
    spread_m = np.sqrt(np.linalg.eigvalsh(np.cov(moved.T))[-1])
    assert point_sigma_m(root @ root.T, arm_m) == pytest.approx(spread_m, rel=0.05)


def test_points_on_the_axis_of_a_can_are_known_and_others_are_not(registered, reference):
    _, ((T_found, cloud),) = registered('can', 3, 1)
    covariance = pose_covariance(T_found, cloud, reference('can'))
    on, beside = 0.06 * T_found[:3, 2], 0.06 * T_found[:3, 0]
    assert point_sigma_m(covariance, on) < 0.005
    assert point_sigma_m(covariance, beside) == pytest.approx(0.06 * FREE_RAD, rel=0.05)


def test_a_covariance_costs_little(reference):
    T = pose(random_rotation_matrix(1), PLACE)
    cloud = view(make_object('drill').mesh, T, noise=1.0)
    pose_covariance(T, cloud, reference('drill'))
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        pose_covariance(T, cloud, reference('drill'))
        times.append(time.perf_counter() - begin)
    assert min(times) < 5e-3                            # .5 ms on a free core
