"""The estimator as its users see it: poses that are known, and what must not change them."""

from dataclasses import replace
import functools

from helpers.objects import (
    CAMERA,
    apart_deg,
    boxes,
    moved,
    pose,
    random_rotation_matrix,
    view,
    whole,
)
import numpy as np
import pytest

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.search.proposals import SearchConfig
from pointpng_core.estimation.verification.verifier import VerificationConfig
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.shapes.catalogue import make_object

ASYMMETRIC = ('bracket', 'drill', 'hammer')
PLACE = (0.05, -0.03, 0.6)
NOISELESS = VerificationConfig.from_mapping(
    {key: 0.0 for key in VerificationConfig().to_mapping() if key.startswith('noise')})


@functools.cache
def seen(name, seed=1, noise=0.0):
    """The true pose of an object and its points as a camera sees it."""
    T = pose(random_rotation_matrix(seed), PLACE)
    return T, view(make_object(name).mesh, T, noise=noise, seed=seed)


def scaled(mesh, factor=1.0, shift=(0.0, 0, 0)):
    vertices = mesh.vertices.astype(np.float64) * factor + shift
    return TriangleMesh(vertices=vertices.astype(np.float32), faces=mesh.faces)


def centre_error(estimate, T, centre):
    """Distance between an object's centre at the estimated and at the true pose."""
    return np.linalg.norm(((estimate.T_observation_reference - T) @ [*centre, 1])[:3])


def assert_posed(estimate, T, reference, *, degrees=1.0, diameters=0.01):
    assert apart_deg(estimate.T_observation_reference, T) < degrees
    assert centre_error(estimate, T, reference.centre) < diameters * reference.diameter_m


def assert_same(first, second, *, degrees=0.05, metres=1e-4):
    """Two lists of estimates say the same."""
    assert [e.name for e in first] == [e.name for e in second]
    for a, b in zip(first, second):
        T_a, T_b = a.T_observation_reference, b.T_observation_reference
        assert apart_deg(T_a, T_b) < degrees
        assert np.abs((T_a - T_b)[:3, 3]).max() < metres
        assert a.score == pytest.approx(b.score, abs=2e-3)


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
def test_a_whole_surface_is_posed_wherever_it_is(estimator, reference, name, offset):
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


# --- what must move with the input ---------------------------------------------------------


@pytest.mark.parametrize('name', ['bracket', 'drill'])
@pytest.mark.parametrize('seed', [20, 21])
def test_turning_everything_about_the_camera_turns_the_pose(estimator, reference, name, seed):
    _, points = seen(name)
    turn = pose(random_rotation_matrix(seed))
    before = estimator.estimate(points, [reference(name)])[0]
    after = estimator.estimate(moved(turn, points), [reference(name)])[0]
    assert_posed(after, turn @ before.T_observation_reference, reference(name), degrees=0.5,
                 diameters=0.005)
    assert after.score == pytest.approx(before.score, abs=0.05)


def test_moving_a_whole_surface_moves_the_pose(estimator, reference):
    points = moved(pose(random_rotation_matrix(5), (0.1, 0.2, 1.0)), whole('drill', 2000))
    before = estimator.estimate(points, [reference('drill')])[0]
    motion = pose(random_rotation_matrix(6), (0.5, -0.3, 0.8))
    after = estimator.estimate(moved(motion, points), [reference('drill')])[0]
    assert_posed(after, motion @ before.T_observation_reference, reference('drill'), degrees=0.5,
                 diameters=0.005)


@pytest.mark.parametrize('kind', ['view', 'whole'])
@pytest.mark.parametrize('factor', [0.1, 10.0])
def test_a_pose_does_not_depend_on_the_unit(kind, factor):
    """Without a sensor's noise, which is in metres, ten times the size is ten times the way."""
    estimator = PoseEstimator(config=EstimatorConfig(verification=NOISELESS))
    mesh = make_object('bracket').mesh
    T, points = seen('bracket')
    points = points if kind == 'view' else moved(T, whole('bracket', 1500))
    once = estimator.estimate(points, [estimator.reference_from_model(mesh, name='x')])[0]
    large = estimator.reference_from_model(scaled(mesh, factor), name='x')
    again = estimator.estimate(points * np.float32(factor), [large])[0]
    assert_posed(once, T, large, diameters=0.01 / factor)
    expected = once.T_observation_reference.copy()
    expected[:3, 3] *= factor
    assert_posed(again, expected, large, degrees=0.1, diameters=1e-3)
    assert again.residual_m == pytest.approx(factor * once.residual_m, rel=0.03)
    assert again.score == pytest.approx(once.score, abs=0.01)


def test_a_unit_ball_needs_no_scale(estimator):
    points = whole('drill', 3000)
    middle, radius = points.mean(axis=0), 0.17
    source = ((points - middle) / radius).astype(np.float32)
    target = ((whole('drill', 1024, seed=7) - middle) / radius).astype(np.float32)
    T = pose(random_rotation_matrix(9))
    model = estimator.reference_from_model(source, name='x')
    assert_posed(estimator.estimate(moved(T, target), [model])[0], T, model)


# --- what must not matter ------------------------------------------------------------------


def test_two_runs_agree_exactly(reference):
    _, points = seen('drill', 3, noise=1.0)
    runs = []
    for _ in range(2):
        fresh = PoseEstimator()
        model = fresh.reference_from_model(make_object('drill').mesh, name='drill')
        runs.append(fresh.estimate(points, [model])[0])
    assert np.array_equal(runs[0].T_observation_reference, runs[1].T_observation_reference)
    assert runs[0].score == runs[1].score
    assert [h.score for h in runs[0].runners_up] == [h.score for h in runs[1].runners_up]


def test_a_batch_says_what_single_calls_say(estimator, reference):
    references = [reference(name) for name in ('bracket', 'drill', 'can')]
    clouds = [seen('drill', 1)[1], seen('bracket', 1)[1], whole('bracket', 1200),
              moved(pose(t=PLACE), whole('drill', 900)), seen('drill', 3)[1][::3]]
    together = estimator.estimate_batch(clouds, references)
    assert len(together) == len(clouds)
    for cloud, found in zip(clouds, together):
        assert_same(found[:1], estimator.estimate(cloud, references)[:1])


def test_non_finite_rows_change_nothing(estimator, reference):
    _, points = seen('drill')
    at = np.linspace(0, len(points), 40).astype(int)
    holes = np.tile([[np.nan] * 3, [0, np.inf, 0], [-np.inf, 1, np.nan], [1, 1, np.nan]], (10, 1))
    dirty = np.insert(points, at, holes, axis=0)
    assert len(dirty) == len(points) + 40
    poses = [estimator.estimate(cloud, [reference('drill')])[0].T_observation_reference
             for cloud in (points, dirty)]
    assert np.array_equal(*poses)


def test_doubles_are_as_good_as_floats(estimator, reference):
    _, points = seen('bracket')
    assert_same(estimator.estimate(points, [reference('bracket')]),
                estimator.estimate(points.astype(np.float64), [reference('bracket')]))


def test_whole_numbers_are_coordinates_too(estimator):
    T, points = seen('bracket')
    model = estimator.reference_from_model(scaled(make_object('bracket').mesh, 1000), name='x')
    millimetres = (points * 1000).round().astype(np.int16)
    T_millimetres = T.copy()
    T_millimetres[:3, 3] *= 1000
    assert_posed(estimator.estimate(millimetres, [model])[0], T_millimetres, model)


def test_the_input_is_left_alone(estimator, reference):
    _, points = seen('bracket')
    before = points.copy()
    points.setflags(write=False)
    estimator.estimate(points, [reference('bracket')])
    assert np.array_equal(points, before)


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
    plain = estimator.reference_from_model(mesh, name='x', symmetry=Symmetry())
    told = estimator.reference_from_model(mesh, name='x', symmetry=make_object('box').symmetry)
    assert plain.symmetry == Symmetry()
    a, b = (estimator.estimate(seen('box')[1], [each])[0] for each in (plain, told))
    assert np.array_equal(a.T_observation_reference, b.T_observation_reference)


# --- first looks ---------------------------------------------------------------------------


def look_motion(name, angle_deg, t):
    """Two views of an object, and the pose of the first look in the second view."""
    T_first, first = seen(name, 3)
    turn = np.radians(angle_deg)
    R = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    about = pose(t=T_first[:3, 3]) @ pose(R) @ pose(t=-T_first[:3, 3])
    motion = pose(t=t) @ about
    second = view(make_object(name).mesh, motion @ T_first)
    return first, second, motion @ pose(t=first.mean(axis=0, dtype=np.float64))


def test_a_look_is_found_again_where_it_was(estimator):
    _, points = seen('drill', 3)
    look = estimator.reference_from_view(points, name='object_0')
    best = estimator.estimate(points, [look])[0]
    assert best.name == 'object_0'
    assert_posed(best, pose(t=points.mean(axis=0, dtype=np.float64)), look, degrees=0.2,
                 diameters=2e-3)
    assert best.score > 0.8


@pytest.mark.parametrize(('angle_deg', 't'), [(0, (0.1, 0.05, 0.1)), (10, (-0.1, 0, 0)),
                                              (-15, (0, 0.05, 0.2))])
@pytest.mark.parametrize('name', ['drill', 'bracket'])
def test_a_look_follows_its_object(estimator, name, angle_deg, t):
    first, second, T = look_motion(name, angle_deg, t)
    look = estimator.reference_from_view(first, name='x')
    assert_posed(estimator.estimate(second, [look])[0], T, look, degrees=2.0, diameters=0.02)


# --- what an estimate holds ----------------------------------------------------------------


def test_estimates_are_well_formed(estimator, reference):
    for name in ('can', 'mug', 'hammer'):
        for found in estimator.estimate(seen('mug', 3, noise=1.0)[1], [reference(name)]):
            for each in (found, *found.runners_up):
                T = each.T_observation_reference
                assert T.dtype == np.float64
                assert np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
                assert np.linalg.det(T[:3, :3]) == pytest.approx(1)
                assert T[3].tolist() == [0, 0, 0, 1]
                assert 0 <= each.score <= each.inlier_share + 1e-6 <= 1 + 1e-6
                assert each.residual_m >= 0
            scores = [found.score, *(each.score for each in found.runners_up)]
            assert scores == sorted(scores, reverse=True)
            assert found.stage_ms
            assert all(spent >= 0 for spent in found.stage_ms.values())


def test_runners_up_are_different_poses(estimator, reference):
    for name in ('drill', 'hammer', 'can', 'box'):
        found = estimator.estimate(seen(name, 3)[1], [reference(name)])[0]
        poses = [found.T_observation_reference,
                 *(each.T_observation_reference for each in found.runners_up)]
        for index, a in enumerate(poses):
            for b in poses[:index]:
                assert apart_deg(a, b) > 5 or np.linalg.norm((a - b)[:3, 3]) > 0.01


def test_without_surroundings_a_hidden_arm_leaves_two_poses(estimator):
    """The box of test_evidence: nothing tells on which end of it the arm is that is not seen."""
    body = ([-0.05, -0.035, -0.025], [0.05, 0.035, 0.025])
    armed = estimator.reference_from_model(
        boxes(body, ([0.05, -0.02, -0.015], [0.075, 0.02, 0.015])), name='armed')
    both = 0
    for seed in range(4):
        T = pose(random_rotation_matrix(seed), (0, 0, 0.6))
        best = estimator.estimate(view(boxes(body), T), [armed])[0]
        towards = [T[:3, 0] @ each.T_observation_reference[:3, 0]
                   for each in (best, *best.runners_up) if each.score > 0.85 * best.score]
        both += min(towards) < -0.9 and max(towards) > 0.9
    assert both >= 3


def test_a_cloud_like_nothing_still_gets_an_estimate(estimator, reference):
    points = np.random.default_rng(0).normal(size=(200, 3)) * 1e6
    assert len(estimator.estimate(points, [reference('drill')])) == 1


@pytest.mark.parametrize('viewpoint', ['auto', 'sensor', 'none'])
def test_points_at_one_place_are_refused(estimator, reference, viewpoint):
    for place in (0.0, 0.5):
        with pytest.raises(CloudError, match='points lie at'):
            estimator.estimate_batch([np.full((100, 3), place)], [reference('drill')],
                                     viewpoint=viewpoint)


@pytest.mark.parametrize('name', ['mug', 'spray', 'bracket'])
def test_whole_clouds_away_from_the_origin_are_posed_too(estimator, reference, name):
    """They could be single views by where they are; how well they fit tells."""
    right = 0
    for seed in range(5):
        T = pose(random_rotation_matrix(seed), (0.1, 0.2, 0.9))
        best = estimator.estimate(moved(T, whole(name, 900, 4)), [reference(name)])[0]
        right += apart_deg(best.T_observation_reference, T) < 5
    assert right >= 4


# --- settings and the cache ----------------------------------------------------------------


@pytest.mark.parametrize('config', [
    EstimatorConfig(sample=128), EstimatorConfig(search=SearchConfig(hypotheses=6, in_plane_rotations=24)),
    EstimatorConfig(verification=VerificationConfig(refine=0)),
    EstimatorConfig(verification=VerificationConfig(coarse_points=4096, fine_points=8192))],
    ids=['few points', 'few hypotheses', 'no polish', 'more points than there are'])
def test_settings_change_the_effort_not_the_answer(config):
    estimator = PoseEstimator(config=config)
    model = estimator.reference_from_model(make_object('bracket').mesh, name='x')
    T, points = seen('bracket')
    assert_posed(estimator.estimate(points, [model])[0], T, model, degrees=3.0, diameters=0.02)


def test_a_reference_from_the_cache_poses_as_the_one_that_was_built(tmp_path):
    _, points = seen('bracket')
    poses = []
    for _ in range(2):
        estimator = PoseEstimator(cache_dir=tmp_path)
        model = estimator.reference_from_model(make_object('bracket').mesh, name='x')
        poses.append(estimator.estimate(points, [model])[0].T_observation_reference)
    assert np.abs(poses[0] - poses[1]).max() < 1e-6
    assert len(list(tmp_path.iterdir())) == 1


# --- what cannot be answered ---------------------------------------------------------------


@pytest.mark.parametrize(('points', 'message'), [
    (np.zeros((0, 3)), 'observation 0: 0 finite points'),
    (np.full((500, 3), np.nan), '0 finite points of 500'),
    (np.random.default_rng(0).normal(size=(5, 3)), '5 finite points of 5'),
    (np.zeros((40, 2)), 'expected an'), (np.zeros(30), 'expected an'),
    (np.zeros((40, 3), complex), 'complex')],
    ids=['empty', 'all NaN', 'few', 'two columns', 'flat', 'complex'])
def test_clouds_that_fix_no_pose_are_refused(estimator, reference, points, message):
    with pytest.raises(CloudError, match=message):
        estimator.estimate(points, [reference('can')])


def test_the_cloud_at_fault_is_named(estimator, reference):
    with pytest.raises(CloudError, match='observation 1'):
        estimator.estimate_batch([seen('can')[1], np.zeros((3, 3))], [reference('can')])


@pytest.mark.parametrize('points', [
    np.linspace(0, 0.1, 100)[:, None] * [1, 0, 0] + [0, 0, 0.6],
    np.random.default_rng(0).uniform(-0.05, 0.05, (300, 3)) * [1, 1, 0] + [0, 0, 0.6],
    np.random.default_rng(0).normal(size=(200, 3)) * 1e6,
    np.random.default_rng(0).normal(size=(200, 3)) * 1e-9 + [0, 0, 1]],
    ids=['line', 'plane', 'huge', 'tiny'])
def test_clouds_of_something_else_give_finite_poses_or_none(estimator, reference, points):
    for found in estimator.estimate(points, [reference('bracket')]):
        assert np.isfinite(found.T_observation_reference).all()
        assert 0 <= found.score <= 1


def test_nothing_to_look_for_is_an_error_and_nothing_to_look_in_is_not(estimator, reference):
    with pytest.raises(ConfigError, match='no references'):
        estimator.estimate(seen('can')[1], [])
    assert estimator.estimate_batch([], [reference('can')]) == []


def test_devices_and_viewpoints_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="device 'quantum'"):
        PoseEstimator(device='quantum')
    with pytest.raises(ConfigError, match='viewpoint'):
        EstimatorConfig(viewpoint='behind')
