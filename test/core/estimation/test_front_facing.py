"""Thin walls: what a camera measured of one side is not registered to the other."""

from helpers.objects import CAMERA, pose, random_rotation_matrix, view
import numpy as np
import pytest
import torch

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import prepare_observations
from pointpng_core.estimation.registration.exact_icp import (
    refine_batched,
    refine_surfaces,
    refine_views,
)
from pointpng_core.estimation.registration.front_facing import MIN_FACING_SHARE, FrontFacing
from pointpng_core.estimator import PoseEstimator
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.simulation.shapes.catalogue import make_object

WALL_M, NOISE_M = 0.005, 0.002


@pytest.fixture(scope='module')
def bowl():
    model = make_object('bowl')
    return PoseEstimator().reference_from_model(model.mesh, name='bowl', symmetry=model.symmetry)


def seen_from(rotation_seed, seed=0):
    T = pose(random_rotation_matrix(rotation_seed), (0.02, -0.01, 0.6))
    return T, view(make_object('bowl').mesh, T, seed=seed, camera=CAMERA)


def near_truth(bowl, T, points, shift_m):
    """Hypotheses a wall's thickness or so off, and what registers them."""
    observations = prepare_observations([points], sample=1024, device='cpu')
    stack = ReferenceStack.of([bowl])
    moved = T.copy()
    moved[:3, 3] += shift_m
    return observations, stack, Hypotheses.from_poses([moved], observations, [bowl], [0])


def off_m(found, truth, points):
    """How far points lie from where they belong, along the axis and from it: spins are free."""
    def place(hypotheses):
        x, y, z = hypotheses.transform(points)[0].numpy().T
        return np.stack((np.hypot(x, y), z))
    return float(np.abs(place(found) - place(truth)).mean())


def test_faces_are_their_naive_twin(bowl):
    T, points = seen_from(3)
    observations, stack, near = near_truth(bowl, T, points, (0.0, 0.0, 0.0))
    moved = near.transform(observations.points)
    _, normals = stack.field.look_up(near.reference, moved)
    faces = FrontFacing.of(observations, stack).faces(near, moved, normals)[0].numpy()
    camera = np.linalg.inv(T)[:3, 3] - bowl.centre
    naive = [float((camera - x) @ n) > 0 for x, n in zip(moved[0].numpy(), normals[0].numpy())]
    assert np.mean(faces == np.array(naive)) > 0.995  # rounding where the surface is edge on
    assert np.mean(faces) > 0.85                      # it is the side that was measured


def refine_on_a_cpu(near, observations, stack, bowl, front_facing):
    if front_facing is None:
        return refine_surfaces(near, observations, [bowl], stack)
    return refine_views(near, observations, [bowl], stack, front_facing)


def refine_together(near, observations, stack, bowl, front_facing):
    return refine_batched(near, observations, stack, front_facing)


@pytest.mark.parametrize('register', [refine_on_a_cpu, refine_together])
def test_a_bowl_that_is_a_wall_off_is_corrected(bowl, register):
    """The side of the points decides; without it the other side attracts half of them."""
    with_front_facing, without = [], []
    for seed in range(6):
        T, points = seen_from(seed, seed=seed)
        rng = np.random.default_rng(seed)
        away = points / np.linalg.norm(points, axis=1, keepdims=True)
        noisy = points + away * rng.normal(0.0, NOISE_M, (len(points), 1))
        side = rng.normal(size=3)
        side *= WALL_M / np.linalg.norm(side)
        observations, stack, near = near_truth(bowl, T, noisy, side)
        truth = Hypotheses.from_poses([T], observations, [bowl], [0])
        for front_facing, errors in ((FrontFacing.of(observations, stack), with_front_facing),
                                     (None, without)):
            found = register(near, observations, stack, bowl, front_facing)
            errors.append(off_m(found, truth, observations.points))
    assert np.median(with_front_facing) < 0.0005
    assert np.median(with_front_facing) < 0.6 * np.median(without)


def test_without_known_sides_everything_faces_the_camera(bowl):
    T, points = seen_from(1)
    observations, stack, near = near_truth(bowl, T, points, (0.0, 0.0, 0.0))
    inside_out = FrontFacing(camera=FrontFacing.of(observations, stack).camera,
                             outward=torch.tensor([False]))
    moved = near.transform(observations.points)
    _, normals = stack.field.look_up(near.reference, moved)
    assert inside_out.faces(near, moved, -normals).all()
    cloud = PoseEstimator().reference_from_model(bowl.points, name='cloud')
    assert not ReferenceStack.of([cloud]).outward.any()


def test_of_a_sheet_seen_from_behind_all_points_are_used(bowl):
    T, points = seen_from(1)
    observations, stack, near = near_truth(bowl, T, points, (0.0, 0.0, 0.0))
    front_facing, moved = FrontFacing.of(observations, stack), near.transform(observations.points)
    _, normals = stack.field.look_up(near.reference, moved)
    assert front_facing.faces(near, moved, -normals).float().mean() < MIN_FACING_SHARE
    assert front_facing.kept(near, moved, -normals).all()
    assert not front_facing.kept(near, moved, normals).all()
