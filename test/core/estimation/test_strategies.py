"""Which strategies are tried in which order, uniform starts, and partial surfaces."""

from types import SimpleNamespace

from helpers.objects import apart_deg, moved, pose, random_rotation_matrix, whole
import numpy as np
import pytest
import torch

from pointpng_core.errors import CloudError
from pointpng_core.estimation import strategies
from pointpng_core.estimation.observation_kind import (
    ObservationKind,
    Viewpoint,
    may_be_single_view,
)
from pointpng_core.estimation.observations import Request, prepare_observations
from pointpng_core.estimation.search.proposals import uniform_hypotheses
from pointpng_core.estimation.strategies import (
    COMPLETE_COVERAGE,
    CONVINCING_SCORE,
    STRATEGIES,
    TRACKING_STRATEGIES,
    FullSurface,
    PartialSurface,
    SingleView,
    cascade,
)
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.geometry.so3 import rotation_distance_rad

AROUND, AWAY = (0.0, 0, 0), (0.0, 0, 2)
"""Where clouds lie: around the origin, or away from it, where a camera may be."""
GOOD, BAD = CONVINCING_SCORE + 0.1, CONVINCING_SCORE - 0.3
FULL, LACKING = COMPLETE_COVERAGE + 0.1, COMPLETE_COVERAGE - 0.1


def prepared(*places):
    clouds = [whole('drill', 200) + np.float32(place) for place in places]
    return prepare_observations(clouds, sample=128, device=torch.device('cpu'))


def run_cascade(found, *places, viewpoint=Viewpoint.AUTO, strategies=STRATEGIES):
    """The strategies that are kept, and the runs (strategy, how many observations).

    `found` is the (score, coverage) that each strategy achieves.
    """
    runs = []

    def run(request, strategy):
        kind = type(strategy)
        runs.append((kind, len(request.observations)))
        score, coverage = found[kind]
        return [[SimpleNamespace(score=score, coverage=coverage, kind=kind)]
                for _ in request.observations.clouds]
    request = Request(observations=prepared(*places), references=(), stack=None,
                      depth_noise=KINECT_NOISE)
    results = cascade(request, viewpoint, run, strategies)
    return [estimates[0].kind if estimates else None for estimates in results], runs


# --- the order -----------------------------------------------------------------------------


def test_a_convincing_view_is_tried_once():
    kept, runs = run_cascade({SingleView: (GOOD, FULL)}, AWAY)
    assert kept == [SingleView]
    assert runs == [(SingleView, 1)]


@pytest.mark.parametrize(('surface_score', 'best'), [(BAD + 0.1, FullSurface),
                                                     (BAD - 0.1, SingleView)])
def test_another_is_tried_as_a_full_surface_and_the_better_is_kept(surface_score, best):
    kept, runs = run_cascade({SingleView: (BAD, FULL), FullSurface: (surface_score, LACKING)},
                             AWAY)
    assert kept == [best]
    assert [kind for kind, _ in runs] == [SingleView, FullSurface]


@pytest.mark.parametrize(('coverage', 'wanted'), [(FULL, [FullSurface]),
                                                  (LACKING, [FullSurface, PartialSurface])])
def test_what_lacks_much_of_the_surface_is_tried_as_a_partial_one(coverage, wanted):
    kept, runs = run_cascade({FullSurface: (BAD, coverage), PartialSurface: (BAD + 0.1, LACKING)},
                             AROUND)
    assert [kind for kind, _ in runs] == wanted
    assert kept == [wanted[-1]]


def test_a_partial_surface_that_scores_less_than_the_full_one_is_not_kept():
    kept, _ = run_cascade({FullSurface: (BAD, LACKING), PartialSurface: (BAD - 0.1, LACKING)},
                          AROUND)
    assert kept == [FullSurface]


def test_partial_surfaces_are_not_tried_in_tracking():
    _, runs = run_cascade({FullSurface: (BAD, LACKING)}, AROUND, strategies=TRACKING_STRATEGIES)
    assert runs == [(FullSurface, 1)]


def test_a_camera_sees_views_only():
    kept, runs = run_cascade({SingleView: (BAD, LACKING)}, AWAY, viewpoint=Viewpoint.SENSOR)
    assert kept == [SingleView]
    assert runs == [(SingleView, 1)]


def test_without_a_camera_there_are_no_views():
    _, runs = run_cascade({FullSurface: (BAD, FULL)}, AWAY, viewpoint=Viewpoint.NONE)
    assert runs == [(FullSurface, 1)]


def test_strategies_run_in_batches_but_partial_surfaces_one_by_one():
    kept, runs = run_cascade({SingleView: (GOOD, FULL), FullSurface: (BAD, LACKING),
                              PartialSurface: (GOOD, LACKING)}, AROUND, AWAY, AROUND, AWAY)
    assert kept == [PartialSurface, SingleView, PartialSurface, SingleView]
    assert runs == [(SingleView, 2), (FullSurface, 2), (PartialSurface, 1), (PartialSurface, 1)]


def test_a_camera_amid_the_points_is_refused():
    cube = np.float32([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    with pytest.raises(CloudError, match='viewpoint'):
        may_be_single_view(cube, Viewpoint.SENSOR)
    assert not may_be_single_view(cube, Viewpoint.AUTO)


# --- uniform starts ------------------------------------------------------------------------


def test_starts_are_of_every_pair_in_the_order_of_the_observations():
    starts = uniform_hypotheses(prepared(AROUND, AWAY), references=3, count=5)
    assert starts.observation.tolist() == [0] * 15 + [1] * 15
    assert starts.reference.tolist() == ([0] * 5 + [1] * 5 + [2] * 5) * 2
    assert not starts.t_reference_observation.any()
    assert starts.shape == (2, 15)


def test_no_rotation_is_far_from_a_start():
    starts = uniform_hypotheses(prepared(AROUND), references=1, count=128)
    rotations = torch.from_numpy(np.stack([random_rotation_matrix(seed)
                                           for seed in range(200)])).float()
    nearest = rotation_distance_rad(rotations[:, None],
                                    starts.R_reference_observation[None]).amin(dim=1)
    assert torch.rad2deg(nearest.max()) < 45


# --- partial surfaces ----------------------------------------------------------------------


def cut(name, seed, share):
    """The true pose of an object and its points without those beyond a plane, about the origin."""
    T = pose(random_rotation_matrix(seed))
    points = whole(name, 2000, seed=seed + 10)
    normal = random_rotation_matrix(seed + 50)[0]
    kept = np.argsort(points @ normal)[:round(len(points) * (1 - share))]
    seen = moved(T, points[kept])
    T[:3, 3] -= seen.mean(axis=0)
    return T, (seen - seen.mean(axis=0)).astype(np.float32)


def share_posed(estimator, reference, share):
    cases = [(name, seed) for name in ('bracket', 'drill', 'hammer', 'spray') for seed in range(4)]
    right = 0
    for name, seed in cases:
        T, points = cut(name, seed, share)
        found = estimator.estimate(points, [reference(name)])[0]
        right += apart_deg(found.T_observation_reference, T) < 3
    return right / len(cases)


def test_surfaces_that_lack_nearly_half_need_the_partial_strategy(estimator, reference,
                                                                  monkeypatch):
    assert share_posed(estimator, reference, 0.45) >= 0.8
    monkeypatch.setattr(strategies, 'COMPLETE_COVERAGE', 0.0)
    assert share_posed(estimator, reference, 0.45) <= 0.5


def test_the_right_one_of_several_is_named_though_a_third_is_missing(estimator, reference):
    known = [reference(name) for name in ('bracket', 'drill', 'hammer', 'spray')]
    for row, truth in enumerate(known):
        T, points = cut(truth.name, row, 0.35)
        best = estimator.estimate(points, known)[0]
        assert best.name == truth.name
        assert apart_deg(best.T_observation_reference, T) < 3
        assert best.kind is not ObservationKind.SINGLE_VIEW
