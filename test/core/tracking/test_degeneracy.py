"""Degenerate directions: remapped while tracked, and checked before a pose is accepted."""

from helpers.objects import apart_deg, pose, view
from helpers.tracking import estimate, perturbed, visible
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.estimation.uncertainty.observability import Observability, pose_observability
from pointpng_core.segmentation import Segment
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.tracking.degeneracy import (
    check_observability,
    leaves_surface_in_place,
    remap_solution,
)
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.track import Track


def test_degenerate_directions_stay_as_expected(reference):
    """The rotation of a can about its axis is free; its position and its axis are not."""
    T, points = visible('can')
    rotated = T @ pose(Rotation.from_rotvec([0, 0, 0.4]).as_matrix())
    remapped = remap_solution(rotated, T, points, reference('can'), degeneracy_threshold=0.006)
    assert apart_deg(remapped, T) < 2
    off = perturbed(T, 6, 0.01, reference('can'), seed=2)
    remapped = remap_solution(T, off, points, reference('can'), degeneracy_threshold=0.006)
    symmetry = make_object('can').symmetry
    assert np.degrees(symmetry.rotation_error_rad(remapped[:3, :3], T[:3, :3])) < 1
    assert symmetry.translation_error_m(remapped, T) < 0.002


def test_a_well_constrained_pose_follows_the_points(reference):
    T, points = visible('bracket')
    off = perturbed(T, 6, 0.01, reference('bracket'), seed=2)
    remapped = remap_solution(T, off, points, reference('bracket'), degeneracy_threshold=0.006)
    assert apart_deg(remapped, T) < 1
    without = remap_solution(T, off, points, reference('bracket'), degeneracy_threshold=0.0)
    assert np.allclose(without, T, atol=1e-6)


@pytest.mark.parametrize(('name', 'euler_deg', 'by_surfaces', 'by_all'), [
    ('box', (0, 0, 20), False, True),      # one face: it might slide, but for its edges
    ('mug', (100, 0, 0), True, True),      # the handle at the side
    ('mug', (100, 0, 90), False, False)])  # the handle behind the body
def test_edges_constrain_a_pose_that_surfaces_do_not(estimator, reference, name, euler_deg,
                                                     by_surfaces, by_all):
    T = pose(Rotation.from_euler('XYZ', euler_deg, degrees=True).as_matrix(), (0.02, 0.03, 0.7))
    cloud = view(make_object(name).mesh, T, noise=1.0)
    track = Track.started(estimate(T, name=name), reference(name), index=0, frames_since_search=0)
    measurement = Measurement(segment=Segment(points=cloud, indices=np.arange(len(cloud))),
                              estimate=track.estimate)
    assert (pose_observability(T, cloud, reference(name)).share > 0.1) == by_surfaces
    checked, = check_observability(estimator, [measurement], [track], cloud, min_observability=0.1)
    assert (checked.well_constrained, checked.was_well_constrained) == (by_all, by_surfaces)
    checked, = check_observability(estimator, [measurement], [checked], cloud,
                                   min_observability=0.0)
    assert checked.well_constrained


# --- by pixels, and by shape -----------------------------------------------------------------


def rotation_about(axis):
    """The direction of a rotation about an axis through the centre, as the least constrained."""
    return Observability(share=0.0, twist=np.array([*axis, 0.0, 0.0, 0.0]))


@pytest.mark.parametrize(('name', 'axis', 'in_place'), [
    ('can', (0, 0, 1), True), ('can', (1, 0, 0), False), ('bottle', (0, 0, 1), True),
    ('mug', (0, 0, 1), False), ('box', (0, 0, 1), False), ('drill', (0, 1, 0), False)])
def test_a_rotation_leaves_a_surface_of_revolution_in_place(reference, name, axis, in_place):
    own = reference(name)
    assert leaves_surface_in_place(rotation_about(axis), own) == in_place


def test_a_shift_leaves_no_surface_in_place(reference):
    shift = Observability(share=0.0, twist=np.array([0.0, 0, 0, 0, 0, 1.0]))
    for name in ('can', 'box'):
        assert not leaves_surface_in_place(shift, reference(name))


@pytest.mark.parametrize(('moved_support', 'well'), [(80.0, True), (95.0, False)])
def test_pixels_decide_where_there_are_some(reference, moved_support, well):
    """A mug whose handle is hidden: well constrained where a rotation loses support."""
    T = pose(Rotation.from_euler('XYZ', (100, 0, 90), degrees=True).as_matrix(), (0.02, 0.03, 0.7))
    cloud = view(make_object('mug').mesh, T, noise=1.0)
    track = Track.started(estimate(T, name='mug'), reference('mug'), index=0,
                          frames_since_search=0)
    measurement = Measurement(segment=Segment(points=cloud, indices=np.arange(len(cloud))),
                              estimate=track.estimate)
    asked = []

    def support(estimates):
        asked.extend(estimates)
        return np.array([100.0, 20.0, moved_support])
    checked, = check_observability(None, [measurement], [track], cloud, min_observability=0.1,
                                   support=support)
    assert checked.well_constrained == well
    own, *others = (each.T_observation_reference for each in asked)
    np.testing.assert_array_equal(own, T)
    assert [apart_deg(other, T) for other in others] == pytest.approx([20, 20], abs=0.5)
