"""Tracking part by part: one pose, motions, what is held, which segment is whose, the indices."""

from dataclasses import replace

from helpers.objects import apart_deg, boxes, moved, pose, random_rotation_matrix, view, whole
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.estimation.types import Hypothesis, PoseEstimate
from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.geometry.rigid_motion import STILL, Motion
from pointpng_core.segmentation import Segment
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.tracking.association import match, surface_share
from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.ego_motion import common_motion
from pointpng_core.tracking.pose_selection import kept, nearest_as_good
from pointpng_core.tracking.solution_remapping import remap_solution
from pointpng_core.tracking.tracks import ObjectTracks

PLACE = (0.05, -0.03, 0.6)
CONFIG = TrackingConfig()


def beside(T, degrees, shift_m, reference, seed=0):
    """A pose turned about the reference's centre and shifted, in random directions."""
    rng = np.random.default_rng(seed)
    axis, way = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    centre = T[:3, :3] @ reference.centre + T[:3, 3]
    R = Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix()
    return pose(R @ T[:3, :3], centre + shift_m * way - R @ T[:3, :3] @ reference.centre)


def seen(name, seed=1):
    T = pose(random_rotation_matrix(seed), PLACE)
    return T, view(make_object(name).mesh, T, noise=1.0, seed=seed)


# --- one pose ------------------------------------------------------------------------------


@pytest.mark.parametrize('name', ['drill', 'bracket', 'hammer'])
def test_a_pose_is_followed_from_nearby(estimator, reference, name):
    T, points = seen(name)
    model = reference(name)
    for seed in range(3):
        start = beside(T, 8, 0.04 * model.diameter_m, model, seed)
        found = estimator.track(points, model, start)
        assert apart_deg(found.T_observation_reference, T) < 2
        assert np.abs(found.T_observation_reference - T)[:3, 3].max() < 0.005
        assert found.name == name
        assert found.score > 0.5


def test_following_one_by_one_and_in_a_batch_agree(estimator, reference):
    names = ['drill', 'bracket', 'drill']
    clouds = [seen(name, seed)[1] for seed, name in enumerate(names)]
    starts = [beside(seen(name, seed)[0], 5, 0.005, reference(name), seed)
              for seed, name in enumerate(names)]
    models = [reference(name) for name in names]
    together = estimator.track_batch(clouds, models, starts)
    for cloud, model, start, expected in zip(clouds, models, starts, together):
        alone = estimator.track(cloud, model, start)
        assert np.abs(alone.T_observation_reference
                      - expected.T_observation_reference).max() < 1e-4
        assert alone.score == pytest.approx(expected.score, abs=1e-3)
    assert estimator.track_batch([], [], []) == []


def test_a_whole_surface_is_followed_too(estimator, reference):
    T = pose(random_rotation_matrix(4), (0.02, 0.01, 0.03))
    cloud = moved(T, whole('drill', 1500))
    start = beside(T, 8, 0.01, reference('drill'))
    assert apart_deg(estimator.track(cloud, reference('drill'), start)
                     .T_observation_reference, T) < 1


def test_what_is_far_away_or_something_else_is_lost(estimator, reference):
    T, points = seen('drill')
    model = reference('drill')
    assert estimator.track(points, model, beside(T, 120, 0.0, model)) is None
    assert estimator.track(points, model, beside(T, 0, 0.5, model)) is None
    assert estimator.track(points, reference('can'), T) is None
    assert estimator.track(points, model, T) is not None


def test_of_symmetric_equals_the_nearest_to_the_previous_is_returned(estimator, reference):
    T, points = seen('can')
    symmetry = make_object('can').symmetry
    for step in range(0, 36, 7):
        start = T @ symmetry.transforms()[step]
        found = estimator.track(points, reference('can'), start)
        assert apart_deg(found.T_observation_reference, start) < 3


def test_senseless_previous_poses_are_refused(estimator, reference):
    T, points = seen('drill')
    with pytest.raises(ConfigError, match='one of each'):
        estimator.track_batch([points], [reference('drill')], [])
    with pytest.raises(ConfigError, match='previous pose 0'):
        estimator.track(points, reference('drill'), np.full((4, 4), np.nan))
    with pytest.raises(CloudError):
        estimator.track(points[:3], reference('drill'), T)


# --- motions -------------------------------------------------------------------------------


def test_a_motion_over_its_time_is_the_motion():
    centre = np.array([0.3, -0.1, 0.2])
    T = pose(random_rotation_matrix(3), (0.1, 0.2, 0.3))
    assert np.allclose(Motion.of(T, centre).over(1.0, centre), T)
    half = Motion.of(T, centre, time=2.0).over(1.0, centre)
    assert apart_deg(half, np.eye(4)) == pytest.approx(apart_deg(T, np.eye(4)) / 2)
    assert np.allclose(STILL.over(5.0, centre), np.eye(4))
    assert np.allclose(Motion.of(T, centre).blended(STILL, 1.0).over(1.0, centre), np.eye(4))


def test_the_common_motion_is_that_of_most():
    T = pose(Rotation.from_rotvec([0.02, 0.05, -0.01]).as_matrix(), (0.02, -0.03, 0.01))
    before = np.random.default_rng(0).uniform(-0.3, 0.3, (6, 3))
    after = before @ T[:3, :3].T + T[:3, 3]
    assert np.allclose(common_motion(list(before), list(after)), T, atol=1e-9)
    after[2] += (0.0, 0.1, 0.0)                       # one is carried away
    found = common_motion(list(before), list(after))
    assert apart_deg(found, T) < 0.2
    assert np.abs(found - T)[:3, 3].max() < 0.002


def test_too_few_objects_or_a_row_of_them_tell_nothing_of_the_camera():
    row = [np.array([x, 0.1, 0.5]) for x in (0.0, 0.2, 0.4)]
    assert common_motion(row, row) is None
    assert common_motion(row[:2], row[:2]) is None
    assert common_motion([], []) is None


def test_what_nothing_holds_stays_where_it_was_expected(reference):
    """The spin of a can is free; its place and the direction of its axis are not."""
    T, points = seen('can')
    spun = T @ pose(Rotation.from_rotvec([0, 0, 0.4]).as_matrix())
    held = remap_solution(spun, T, points, reference('can'), degeneracy_threshold=0.006)
    assert apart_deg(held, T) < 2
    off = beside(T, 6, 0.01, reference('can'), seed=2)
    held = remap_solution(T, off, points, reference('can'), degeneracy_threshold=0.006)
    symmetry = make_object('can').symmetry
    assert np.degrees(symmetry.rotation_error_rad(held[:3, :3], T[:3, :3])) < 1
    assert symmetry.translation_error_m(held, T) < 0.002


def test_what_is_held_follows_the_points(reference):
    T, points = seen('bracket')
    off = beside(T, 6, 0.01, reference('bracket'), seed=2)
    held = remap_solution(T, off, points, reference('bracket'), degeneracy_threshold=0.006)
    assert apart_deg(held, T) < 1
    assert np.allclose(remap_solution(T, off, points, reference('bracket'), degeneracy_threshold=0.0), T, atol=1e-6)


# --- which is whose ------------------------------------------------------------------------


def estimate(T, score=0.9, name='drill', others=()):
    return PoseEstimate(T_observation_reference=T, score=score, residual_m=0.001, name=name,
                        inlier_share=score, ambiguous=False, runners_up=tuple(
                            Hypothesis(T_observation_reference=T_other, score=own,
                                       residual_m=0.001, inlier_share=own)
                            for T_other, own in others))


def segment(points):
    return Segment(points=points, indices=np.arange(len(points)))


def followed(reference, *names_and_poses):
    tracks = ObjectTracks()
    tracks.begin(0.0, CONFIG)
    for name, T in names_and_poses:
        tracks.add(estimate(T, name=name), reference(name), check_every=10)
    return tracks


def test_each_object_gets_the_segment_that_lies_where_it_should(reference):
    T, points = seen('drill')
    T_other = pose(T[:3, :3], (0.3, -0.03, 0.6))
    other = view(make_object('drill').mesh, T_other)
    tracks = followed(reference, ('drill', T_other), ('drill', T))
    small = segment(points[::40])
    found = match([segment(points), small, segment(other), segment(other + 2)], tracks.objects,
                  association_gate=0.15)
    assert found == [tracks.objects[1], None, tracks.objects[0], None]
    assert match([segment(points)], tracks.objects, association_gate=0.001) == [None]
    assert match([], tracks.objects, association_gate=0.15) == []
    assert match([segment(points)], [], association_gate=0.15) == [None]
    assert surface_share(points, T, reference('drill')) > 0.95
    assert surface_share(points + 0.1, T, reference('drill')) < 0.3


def test_indices_are_free_again_when_an_object_is_forgotten(reference):
    T = pose(t=PLACE)
    tracks = followed(reference, ('can', T), ('can', T), ('mug', T))
    assert [thing.index for thing in tracks.objects] == [0, 1, 0]
    first, second, mug = tracks.objects
    for frame in range(CONFIG.max_missed + 1):
        tracks.begin(0.1 * (frame + 1), CONFIG)
        tracks.end([second, mug], CONFIG)
    assert tracks.objects == [second, mug]
    assert tracks.add(estimate(T, name='can'), reference('can'), check_every=10).index == 0
    assert first.missed == CONFIG.max_missed + 1


@pytest.mark.parametrize(('stamps', 'remembered'), [
    ((0.0, 0.5), 1), ((5.0, 5.0), 1), ((5.0, 4.9), 0), ((0.0, 2.1), 0), ((None, None), 1),
    ((None, 1.0), 0), ((1.0, None), 0)])
def test_jumps_in_time_begin_anew(reference, stamps, remembered):
    tracks = ObjectTracks()
    tracks.begin(stamps[0], CONFIG)
    tracks.add(estimate(pose(t=PLACE)), reference('drill'), check_every=10)
    tracks.begin(stamps[1], CONFIG)
    assert len(tracks.objects) == remembered


def test_a_pose_is_given_up_only_for_one_that_explains_more():
    T = pose(t=PLACE)
    tracked = estimate(T, 0.8)
    assert kept(tracked, [estimate(np.eye(4), 0.85)], hysteresis_ratio=0.93).score == 0.8
    assert kept(tracked, [estimate(np.eye(4), 0.87)], hysteresis_ratio=0.93) is None
    assert kept(tracked, [estimate(np.eye(4), 0.95, name='can')], hysteresis_ratio=0.93) is None
    assert kept(tracked, [], hysteresis_ratio=0.93) is tracked
    flagged = replace(estimate(np.eye(4), 0.85), ambiguous=True)
    assert kept(tracked, [flagged], hysteresis_ratio=0.93).ambiguous


def test_among_poses_as_good_the_nearest_wins(reference):
    model = reference('drill')
    T = pose(random_rotation_matrix(1), PLACE)
    flip = T @ pose(Rotation.from_rotvec([0, 0, np.pi]).as_matrix())
    found = [estimate(flip, 0.90, others=[(T, 0.86), (beside(T, 9, 0, model), 0.88)])]
    best = nearest_as_good(found, model, T, hysteresis_ratio=0.93)
    assert np.allclose(best.T_observation_reference, T)
    assert (best.score, best.runners_up[0].score, len(best.runners_up)) == (0.86, 0.90, 2)
    assert np.allclose(nearest_as_good(found, model, T, hysteresis_ratio=0.99).T_observation_reference, flip)
    other = [estimate(flip, 0.9, name='can'), *found]
    assert nearest_as_good(other, replace(model, name='x'), T, hysteresis_ratio=0.93) is None
    assert nearest_as_good(other, model, T, hysteresis_ratio=0.93) is not None


def test_the_nearest_is_told_up_to_symmetry(estimator):
    square = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=4, point=(0.05, 0.05, 0)),))
    model = estimator.reference_from_model(boxes(((0, 0, 0), (0.1, 0.1, 0.2))), name='block',
                                           symmetry=square)
    T = pose(random_rotation_matrix(1), PLACE)
    quarter = T @ square.transforms()[1]
    best = nearest_as_good([estimate(quarter, name='block')], model, T, hysteresis_ratio=0.9)
    assert np.allclose(best.T_observation_reference, T, atol=1e-9)
