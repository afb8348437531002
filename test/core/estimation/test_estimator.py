"""The estimator as its users see it: poses that are known, of one and of several references."""

from dataclasses import replace

from helpers.objects import (
    CAMERA,
    apart_deg,
    moved,
    pose,
    random_rotation_matrix,
    view,
    whole,
)
from helpers.posed import assert_posed, scaled, seen
import numpy as np
import pytest

from pointpng_core.geometry import Symmetry
from pointpng_core.simulation.shapes.catalogue import make_object

ASYMMETRIC = ('bracket', 'drill', 'hammer')


# --- poses that are known ------------------------------------------------------------------


@pytest.mark.parametrize('name', ASYMMETRIC)
@pytest.mark.parametrize('seed', [0, 1, 3])
def test_a_single_view_is_posed(estimator, reference, name, seed):
    T, points = seen(name, seed)
    found = estimator.estimate(points, [reference(name)])
    assert len(found) == 1
    assert found[0].name == name
    assert found[0].score > 0.5
    assert_posed(found[0], T, reference(name))


@pytest.mark.parametrize('name', ASYMMETRIC)
def test_a_noisy_view_is_posed(estimator, reference, name):
    T, points = seen(name, 4, noise=1.0)
    found = estimator.estimate(points, [reference(name)])[0]
    assert_posed(found, T, reference(name), degrees=2.0, diameters=0.02)


@pytest.mark.parametrize('name', ['can', 'box', 'bottle', 'bowl'])
@pytest.mark.parametrize('seed', [0, 2])
def test_symmetric_objects_are_posed_up_to_their_symmetry_and_flagged(estimator, reference, name,
                                                                      seed):
    T, points = seen(name, seed)
    best = estimator.estimate(points, [reference(name)])[0]
    symmetry = make_object(name).symmetry
    assert np.degrees(symmetry.rotation_error_rad(best.T_observation_reference[:3, :3],
                                                  T[:3, :3])) < 1.5
    assert symmetry.translation_error_m(best.T_observation_reference, T) < 0.003
    assert best.symmetric
    assert not best.ambiguous
    other = best.runners_up[0]
    assert apart_deg(other.T_observation_reference, best.T_observation_reference) > 10


@pytest.mark.parametrize('name', ASYMMETRIC)
def test_asymmetric_objects_are_not_flagged(estimator, reference, name):
    flags = [estimator.estimate(seen(name, seed)[1], [reference(name)])[0].ambiguous
             for seed in (0, 1, 3)]
    assert sum(flags) == 0


@pytest.mark.parametrize('offset', [(0.0, 0, 0), (0.3, -0.2, 0.9), (-4.0, 2, 7)])
@pytest.mark.parametrize('name', ASYMMETRIC)
def test_a_full_surface_is_posed_wherever_it_is(estimator, reference, name, offset):
    T = pose(random_rotation_matrix(8), offset)
    found = estimator.estimate(moved(T, whole(name, 2000)), [reference(name)])[0]
    assert_posed(found, T, reference(name))


def test_a_cloud_is_as_good_a_model_as_a_mesh(estimator):
    model = estimator.reference_from_model(whole('drill', 4000, seed=3), name='drill')
    T, points = seen('drill')
    assert_posed(estimator.estimate(points, [model])[0], T, model, degrees=1.5)


@pytest.mark.parametrize('distance_m', [1.0, 3.0, 10.0])
def test_distance_from_the_camera_costs_no_accuracy(estimator, reference, distance_m):
    focal = CAMERA.fx * distance_m / 0.6
    camera = replace(CAMERA, fx=focal, fy=focal)
    T = pose(random_rotation_matrix(1), (0.05, -0.03, distance_m))
    points = view(make_object('bracket').mesh, T, camera=camera)
    best = estimator.estimate(points, [reference('bracket')])[0]
    assert_posed(best, T, reference('bracket'))


@pytest.mark.parametrize('offset', [(0.2, 0.1, -0.3), (3.0, -2, 1)])
def test_the_origin_of_a_model_may_lie_far_outside_it(estimator, offset):
    model = estimator.reference_from_model(scaled(make_object('bracket').mesh, shift=offset),
                                           name='x')
    T, points = seen('bracket')
    T_shifted = T @ pose(t=-np.array(offset))
    assert_posed(estimator.estimate(points, [model])[0], T_shifted, model)


# --- several references --------------------------------------------------------------------


@pytest.mark.parametrize('name', ['mug', 'drill', 'bracket', 'can'])
def test_the_right_reference_wins(estimator, reference, name):
    references = [reference(each) for each in ('mug', 'drill', 'bracket', 'can')]
    found = estimator.estimate(seen(name, 3, noise=1.0)[1], references)
    assert found[0].name == name
    assert len({each.name for each in found}) == len(found) <= 4
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_another_object_scores_worse(estimator, reference):
    own = estimator.estimate(seen('bracket')[1], [reference('bracket')])[0]
    wrong = estimator.estimate(seen('bracket')[1], [reference('can')])[0]
    assert wrong.score < 0.75 * own.score


def test_the_symmetry_of_a_reference_does_not_change_its_pose(estimator):
    mesh = make_object('box').mesh
    unknown = estimator.reference_from_model(mesh, name='x', symmetry=Symmetry())
    known = estimator.reference_from_model(mesh, name='x', symmetry=make_object('box').symmetry)
    assert unknown.symmetry == Symmetry()
    a, b = (estimator.estimate(seen('box')[1], [each])[0] for each in (unknown, known))
    assert np.array_equal(a.T_observation_reference, b.T_observation_reference)


# --- views as references -------------------------------------------------------------------


def view_motion(name, angle_deg, t):
    """Two views of an object, and the pose of the first view in the second one."""
    T_first, first = seen(name, 3)
    angle = np.radians(angle_deg)
    R = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0],
                  [-np.sin(angle), 0, np.cos(angle)]])
    about = pose(t=T_first[:3, 3]) @ pose(R) @ pose(t=-T_first[:3, 3])
    motion = pose(t=t) @ about
    second = view(make_object(name).mesh, motion @ T_first)
    return first, second, motion @ pose(t=first.mean(axis=0, dtype=np.float64))


def test_a_view_is_found_again_where_it_was(estimator):
    _, points = seen('drill', 3)
    first_view = estimator.reference_from_view(points, name='object_0')
    best = estimator.estimate(points, [first_view])[0]
    assert best.name == 'object_0'
    assert_posed(best, pose(t=points.mean(axis=0, dtype=np.float64)), first_view,
                 degrees=0.2, diameters=2e-3)
    assert best.score > 0.8


@pytest.mark.parametrize(('angle_deg', 't'), [(0, (0.1, 0.05, 0.1)), (10, (-0.1, 0, 0)),
                                              (-15, (0, 0.05, 0.2))])
@pytest.mark.parametrize('name', ['drill', 'bracket'])
def test_the_reference_of_a_view_follows_its_object(estimator, name, angle_deg, t):
    first, second, T = view_motion(name, angle_deg, t)
    first_view = estimator.reference_from_view(first, name='x')
    found = estimator.estimate(second, [first_view])[0]
    assert_posed(found, T, first_view, degrees=2.0, diameters=0.02)
