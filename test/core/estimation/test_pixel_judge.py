"""Poses refined on pixels: back to the truth where it is visible, the same in any batch."""

import functools

from helpers.objects import apart_deg
from helpers.pixels import (
    SIGMA_M,
    cloud_of,
    dense,
    evidence_of,
    image_of,
    placed,
    posed,
    poses_of,
    view_of,
)
from helpers.tracking import T_CAMERA_WORLD, perturbed, standing
import numpy as np
import pytest
import torch

from pointpng_core.estimation.pixels import PixelJudge
from pointpng_core.estimation.pixels.judge import BATCH
from pointpng_core.estimation.uncertainty.observability import pose_observability
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = ('mug', 'drill', 'box', 'bracket')
STEPS = ((2, 0.003, 0), (4, 0.004, 1), (5, 0.006, 2))
"""Degrees, metres and seeds of poses that a search might leave."""
CONSTRAINED = 0.5
"""Share of the whole surface's observability from which on a pose must come back."""


@pytest.fixture(scope='module')
def references():
    return {name: dense(make_object(name).mesh, name) for name in NAMES}


@pytest.fixture(scope='module')
def judge(references):
    return PixelJudge(list(references.values()))


@functools.cache
def seen(name, seed):
    """The true pose of an object, and its view."""
    T = placed(seed)
    return T, view_of((make_object(name).mesh, T), noise_m=SIGMA_M, seed=seed)


def error_m(T, T_true, reference):
    """Root mean square distance of the surface's points from where they are."""
    apart = transform(T, reference.points) - transform(T_true, reference.points)
    return np.sqrt((apart ** 2).sum(axis=1).mean())


def constrained_cases(references):
    """Objects and poses whose visible points constrain all directions, of the first seeds."""
    for name in NAMES:
        for seed in range(12):
            T = placed(seed)
            image = image_of((make_object(name).mesh, T))
            points = cloud_of(image)[image.owner.ravel() == 0]
            if pose_observability(T, points, references[name]).share > CONSTRAINED:
                yield name, seed


def test_constrained_poses_come_back_to_the_truth(judge, references):
    cases = list(constrained_cases(references))
    assert len({name for name, _ in cases}) >= 3
    for name, seed in cases:
        T, view = seen(name, seed)
        near = [(name, perturbed(T, *step[:2], references[name], step[2])) for step in STEPS]
        refined = judge.refine(posed(judge, *near), view)
        for (_, before), after in zip(near, poses_of(refined)):
            assert error_m(after, T, references[name]) < min(
                0.0006, 0.2 * error_m(before, T, references[name])), (name, seed)
            np.testing.assert_allclose(after[:3, :3] @ after[:3, :3].T, np.eye(3), atol=1e-5)


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('name', NAMES)
def test_whatever_is_visible_refined_poses_are_better_supported(judge, references, name, seed):
    T, view = seen(name, seed)
    near = [(name, perturbed(T, *step[:2], references[name], step[2])) for step in STEPS]
    before = evidence_of(judge, view, *near).support
    after = judge.evidence(judge.refine(posed(judge, *near), view), view).support
    assert (after > before).all()
    assert (after > 0).all()


def test_poses_with_few_points_stay(judge):
    """Before a wall alone, behind it, beside the image and behind the camera."""
    hopeless = [('box', placed(1, t)) for t in (
        (0.0, 0.0, 0.4), (0.0, 0.0, 1.5), (2.0, 0.0, 0.6), (0.0, 0.0, -0.6))]
    after = judge.refine(posed(judge, *hopeless), view_of())
    torch.testing.assert_close(after.T_camera_object, posed(judge, *hopeless).T_camera_object,
                               rtol=0, atol=0)


def test_refinement_does_not_depend_on_the_batch(judge, references):
    T, view = seen('drill', 4)
    two = [('drill', perturbed(T, 2, 0.003, references['drill'])),
           ('box', perturbed(T, 3, 0.002, references['box']))]
    many = [(name, perturbed(T, 2, 0.001 * row, references[name], row))
            for row, name in enumerate(5 * NAMES)]
    assert len(many) > BATCH
    for poses in (two, many):
        together = judge.refine(posed(judge, *poses), view)
        alone = [judge.refine(posed(judge, pose), view) for pose in poses]
        assert together.index.tolist() == [own.index.item() for own in alone]
        for own, each in zip(together.T_camera_object, alone):
            torch.testing.assert_close(own, each.T_camera_object[0], rtol=1e-3, atol=2e-4)


def test_poses_are_taken_by_index_and_mask(judge):
    poses = posed(judge, *[(name, placed(row)) for row, name in enumerate(NAMES)])
    assert poses.index.tolist() == [0, 1, 2, 3]
    chosen = poses.take(torch.tensor([2, 0]))
    assert chosen.index.tolist() == [2, 0]
    np.testing.assert_allclose(poses_of(chosen)[0], placed(2), atol=1e-6)
    assert poses.take(torch.tensor([True, False, False, True])).index.tolist() == [0, 3]


@pytest.mark.parametrize('seed', range(4))
def test_a_narrow_handle_fixes_the_rotation_of_a_mug(judge, references, seed):
    """Most of its pixels are near an edge: they are few in a small image of a mug."""
    T = T_CAMERA_WORLD @ standing('mug', 0.0, 0.0, -60)[1]
    view = view_of((make_object('mug').mesh, T), noise_m=SIGMA_M, seed=seed)
    near = [('mug', perturbed(T, 5, 0.003, references['mug'], row)) for row in range(4)]
    for after in poses_of(judge.refine(posed(judge, *near), view)):
        assert apart_deg(after, T) < 1.5
