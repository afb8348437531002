"""Estimates: poses, second-best poses, symmetric equals beside ambiguity, confidence, size."""

from dataclasses import fields
from types import SimpleNamespace

from helpers.objects import pose, random_rotation_matrix, view, whole
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.estimation.confidence import FEATURES, Calibration, Weights
from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observation_kind import ObservationKind
from pointpng_core.estimation.observations import Observations, Request
from pointpng_core.estimation.strategies import FullSurface, SingleView
from pointpng_core.estimation.summary import summarise
from pointpng_core.estimation.verification.candidates import Candidates
from pointpng_core.estimation.verification.evidence import Evidence
from pointpng_core.estimation.verification.scale_residual import scale_residual
from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.simulation.shapes.catalogue import make_object

VIEW, SURFACE = SingleView(), FullSurface()
NONE = Symmetry()
HALF_TURN = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=2, point=(0.5, 0.2, 0.0)),))
ROUND = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=CONTINUOUS, point=(0.5, 0.2, 0.0)),))
CENTRE = np.array([0.5, 0.2, 0.1])
CALIBRATION = Calibration(single_view=Weights(intercept=-3.0, score=4.0, margin=1.0,
                                              lead=2.0),
                          surface=Weights(intercept=-2.0, score=4.0))


def summary(rotations_deg, scores, *, symmetry=(NONE,), owners=None, kinds=None, shifts=None,
            strategy=VIEW, count=1):
    """Summarise poses that are rotated about z, through the centre, by these angles."""
    number = len(rotations_deg)
    rotated = Rotation.from_euler('z', np.reshape(rotations_deg, (-1, 1)), degrees=True)
    R = torch.tensor(rotated.as_matrix()).float()
    t = torch.zeros(number, 3) if shifts is None else torch.tensor(shifts, dtype=torch.float32)
    zeros = torch.zeros(number, dtype=torch.long)
    hypotheses = Hypotheses(
        observation=zeros if owners is None else torch.tensor(owners),
        reference=zeros if kinds is None else torch.tensor(kinds),
        R_reference_observation=R.reshape(-1, 3, 3), t_reference_observation=t)
    scores = torch.tensor(scores, dtype=torch.float32)
    evidence = Evidence(**{**{field.name: torch.ones(number) for field in fields(Evidence)},
                           'residual_m': torch.full((number,), 1e-3),
                           'inlier_share': scores.abs().sqrt(),
                           'coverage': scores.abs().sqrt(), 'suppressed': scores < 0})
    observations = Observations(
        clouds=(np.zeros((100, 3), np.float32),) * count, points=torch.rand(count, 100, 3),
        centroids=np.tile([0.1, 0.0, 0.7], (count, 1)), R_view=torch.eye(3).repeat(count, 1, 1))
    references = [SimpleNamespace(name=f'object_{index}', symmetry=group, centre=CENTRE,
                                  diameter_m=0.1) for index, group in enumerate(symmetry)]
    field = SimpleNamespace(look_up=lambda reference, queries: (queries, queries))
    request = Request(observations=observations, references=references,
                      stack=SimpleNamespace(field=field), depth_noise=KINECT_NOISE)
    candidates = Candidates(hypotheses=hypotheses, evidence=evidence)
    return summarise(candidates, request, strategy, CALIBRATION)


def feature(estimate, name):
    return estimate.features[FEATURES.index(name)]


def test_a_clearly_different_pose_that_is_as_good_makes_the_answer_ambiguous():
    best = summary([0, 180], [0.9, 0.89])[0][0]
    assert best.ambiguous
    assert not best.symmetric
    assert feature(best, 'margin') < 0.1


@pytest.mark.parametrize(('angles_deg', 'scores', 'shifts'), [
    ([0, 180], [0.9, 0.6], None),
    ([0, 5], [0.9, 0.89], None),
    ([0, 5], [0.9, 0.89], [[0, 0, 0], [0.005, 0, 0]]),
    ([0], [0.9], None),
])
def test_worse_near_or_no_other_poses_make_no_ambiguity(angles_deg, scores, shifts):
    assert not summary(angles_deg, scores, shifts=shifts)[0][0].ambiguous


def test_a_pose_that_is_shifted_far_is_another_one():
    assert summary([0, 0], [0.9, 0.89], shifts=[[0, 0, 0], [0.03, 0, 0]])[0][0].ambiguous


@pytest.mark.parametrize(('group', 'angle'), [(HALF_TURN, 180), (ROUND, 77), (ROUND, 180)])
def test_symmetric_equals_are_no_ambiguity(group, angle):
    best = summary([0, angle], [0.9, 0.9], symmetry=(group,))[0][0]
    assert best.symmetric
    assert not best.ambiguous
    assert feature(best, 'margin') == 1.0
    assert len(best.runners_up) == 1


def test_what_the_symmetry_does_not_make_equal_is_ambiguous_still():
    best = summary([0, 180, 90], [0.9, 0.9, 0.89], symmetry=(HALF_TURN,))[0][0]
    assert best.symmetric
    assert best.ambiguous


def test_references_lead_on_each_other():
    first, second = summary([0, 0], [0.9, 0.6], kinds=[0, 1], symmetry=(NONE, NONE))[0]
    assert (first.name, second.name) == ('object_0', 'object_1')
    assert feature(first, 'lead') > 0.5 > feature(second, 'lead')
    assert first.confidence > second.confidence


def test_the_other_labels_of_an_observation_come_best_first():
    found = summary([0, 0, 0, 0], [0.6, 0.9, 0.8, 0.7], kinds=[0, 1, 2, 0], owners=[0, 0, 0, 1],
                    symmetry=(NONE,) * 3, count=2)
    best, second, third = found[0]
    assert [label.name for label in best.other_labels] == ['object_2', 'object_0']
    assert [label.name for label in second.other_labels] == ['object_1', 'object_0']
    for label, estimate in zip(best.other_labels, (second, third)):
        assert label.confidence == estimate.confidence
        assert (label.T_observation_reference == estimate.T_observation_reference).all()
    assert found[1][0].other_labels == ()


def test_the_second_best_pose_is_returned_though_many_near_the_best_come_first():
    near = list(range(1, 12))
    best = summary([0, *near, 180], [0.9] * 12 + [0.89])[0][0]
    assert best.ambiguous
    angles_deg = [np.degrees(np.arccos(np.clip((np.trace(
        other.T_observation_reference[:3, :3].T @ best.T_observation_reference[:3, :3]) - 1) / 2,
        -1, 1))) for other in best.runners_up]
    assert angles_deg == pytest.approx([1, 2, 3, 4, 5, 180], abs=0.1)


def test_observations_do_not_mix():
    results = summary([0, 0, 180, 0], [0.5, 0.9, 0.88, -1.0], owners=[0, 1, 1, 0], count=3)
    assert [len(found) for found in results] == [1, 1, 0]
    assert [found[0].ambiguous for found in results[:2]] == [False, True]


def test_confidence_is_the_calibrations_for_the_kind_of_observation():
    for strategy, kind in ((VIEW, ObservationKind.SINGLE_VIEW),
                           (SURFACE, ObservationKind.FULL_SURFACE)):
        best = summary([0, 180], [0.7, 0.5], strategy=strategy)[0][0]
        assert best.kind is kind
        assert best.confidence == pytest.approx(CALIBRATION.probability(
            best.features[None], kind=kind)[0])


def test_nothing_found_is_no_estimate():
    assert summary([0], [-1.0]) == [[]]


def test_poses_are_those_of_a_naive_twin():
    rng = np.random.default_rng(0)
    R = Rotation.random(7, random_state=1).as_matrix() + rng.normal(size=(7, 3, 3)) * 1e-6
    t, centroids, centres = rng.normal(size=(3, 7, 3))
    hypotheses = Hypotheses(
        observation=torch.arange(7), reference=torch.arange(7).flip(0),
        R_reference_observation=torch.from_numpy(R), t_reference_observation=torch.from_numpy(t))
    many = hypotheses.to_poses(
        SimpleNamespace(centroids=centroids),
        [SimpleNamespace(centre=centre) for centre in centres[::-1]])
    for row in range(7):
        point = rng.normal(size=3)
        one = many[row]
        assert one[:3, :3] @ one[:3, :3].T == pytest.approx(np.eye(3), abs=1e-10)
        back = np.linalg.inv(one) @ [*point, 1.0]
        assert back[:3] == pytest.approx(R[row] @ (point - centroids[row]) + t[row] + centres[row],
                                         abs=1e-4)


def residual_of(reference, points, noise_m=0.001):
    """The scale residual of points (N, 3) in the reference's own frame, at the true pose."""
    centroid = points.mean(axis=0)
    at = Hypotheses(observation=torch.tensor([0]), reference=torch.tensor([0]),
                    R_reference_observation=torch.eye(3)[None],
                    t_reference_observation=torch.tensor((centroid - reference.centre)[None],
                                                         dtype=torch.float32))
    local = torch.tensor((points - centroid)[None], dtype=torch.float32)
    return float(scale_residual(reference.field, at, local, noise_m=np.array([noise_m]),
                                diameter_m=np.array([reference.diameter_m]))[0])


@pytest.mark.parametrize('scale', [0.95, 0.98, 1.0, 1.02, 1.04])
@pytest.mark.parametrize('name', ['drill', 'bottle', 'box'])
def test_the_size_that_fits_better_is_found(reference, name, scale):
    model = reference(name)
    points = (whole(name, 1500, seed=4) - model.centre) * scale + model.centre
    assert residual_of(model, points) == pytest.approx(scale - 1.0, abs=0.015)


def test_a_flat_view_has_no_information_about_size(reference):
    model = reference('box')
    top = model.points[np.abs(model.normals[:, 2]) > 0.99]
    top = top[top[:, 2] > model.centre[2]]
    inner = (top - top.mean(axis=0)) * 0.5 + top.mean(axis=0)
    assert abs(residual_of(model, inner * 1.0)) < 0.01


def test_the_same_view_without_known_symmetry_is_ambiguous(estimator, reference):
    model = make_object('box')
    points = view(model.mesh, pose(random_rotation_matrix(2), (0.02, 0.01, 0.6)))
    unknown = estimator.reference_from_model(model.mesh, name='box', symmetry=Symmetry())
    assert estimator.estimate(points, [unknown])[0].ambiguous
    known = estimator.estimate(points, [reference('box')])[0]
    assert known.symmetric
    assert not known.ambiguous
