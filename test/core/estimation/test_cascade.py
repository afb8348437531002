"""What observations are taken for, in which order, and surfaces with a part missing."""

from types import SimpleNamespace

from helpers.objects import apart_deg, moved, pose, random_rotation_matrix, whole
import numpy as np
import pytest
import torch

from pointpng_core.errors import CloudError
from pointpng_core.estimation import cascade as passes
from pointpng_core.estimation.cascade import COMPLETE_COVERAGE, CONVINCING_SCORE, in_passes
from pointpng_core.estimation.observation_kind import ObservationKind, may_be_single_view
from pointpng_core.estimation.observations import prepare_observations
from pointpng_core.estimation.request import Task
from pointpng_core.estimation.search.uniform_seeds import spread_hypotheses
from pointpng_core.geometry.so3 import rotation_distance_rad
from pointpng_core.timing import StageTimer

AROUND, AWAY = (0.0, 0, 0), (0.0, 0, 2)
"""Where clouds lie: the origin amid them, or outside, where a camera may be."""
GOOD, BAD = CONVINCING_SCORE + 0.1, CONVINCING_SCORE - 0.3
FULL, LACKING = COMPLETE_COVERAGE + 0.1, COMPLETE_COVERAGE - 0.1


def prepared(*places):
    clouds = [whole('drill', 200) + np.float32(place) for place in places]
    return prepare_observations(clouds, sample=128, device=torch.device('cpu'))


def passed(found, *places, viewpoint='auto', parts=True):
    """What is kept, and the passes (shown, how many), given (score, coverage) by kind."""
    done = []

    def run(task):
        done.append((task.shown, len(task.observations)))
        score, coverage = found[task.shown]
        return [[SimpleNamespace(score=score, coverage=coverage, shown=task.shown)]
                for _ in task.observations.clouds]
    task = Task(observations=prepared(*places), references=(), scene_points=None,
                timer=StageTimer())
    results = in_passes(task, viewpoint, run, parts=parts)
    return [estimates[0].shown if estimates else None for estimates in results], done


# --- the order -----------------------------------------------------------------------------


def test_a_view_that_convinces_is_tried_once():
    kinds, done = passed({ObservationKind.SINGLE_VIEW: (GOOD, FULL)}, AWAY)
    assert kinds == [ObservationKind.SINGLE_VIEW]
    assert done == [(ObservationKind.SINGLE_VIEW, 1)]


@pytest.mark.parametrize(('whole_score', 'best'), [(BAD + 0.1, ObservationKind.FULL_SURFACE),
                                                   (BAD - 0.1, ObservationKind.SINGLE_VIEW)])
def test_one_that_does_not_is_tried_as_a_whole_and_the_better_is_kept(whole_score, best):
    kinds, done = passed({ObservationKind.SINGLE_VIEW: (BAD, FULL), ObservationKind.FULL_SURFACE: (whole_score, LACKING)}, AWAY)
    assert kinds == [best]
    assert [shown for shown, _ in done] == [ObservationKind.SINGLE_VIEW, ObservationKind.FULL_SURFACE]


@pytest.mark.parametrize(('coverage', 'wanted'), [(FULL, [ObservationKind.FULL_SURFACE]),
                                                  (LACKING, [ObservationKind.FULL_SURFACE, ObservationKind.PARTIAL_SURFACE])])
def test_what_lacks_much_of_the_surface_is_tried_as_a_part(coverage, wanted):
    kinds, done = passed({ObservationKind.FULL_SURFACE: (BAD, coverage), ObservationKind.PARTIAL_SURFACE: (BAD + 0.1, LACKING)}, AROUND)
    assert [shown for shown, _ in done] == wanted
    assert kinds == [wanted[-1]]


def test_a_part_that_explains_less_than_the_whole_is_not_kept():
    kinds, _ = passed({ObservationKind.FULL_SURFACE: (BAD, LACKING), ObservationKind.PARTIAL_SURFACE: (BAD - 0.1, LACKING)}, AROUND)
    assert kinds == [ObservationKind.FULL_SURFACE]


def test_parts_are_tried_only_where_they_are_looked_for():
    _, done = passed({ObservationKind.FULL_SURFACE: (BAD, LACKING)}, AROUND, parts=False)
    assert done == [(ObservationKind.FULL_SURFACE, 1)]


def test_a_camera_sees_views_only():
    kinds, done = passed({ObservationKind.SINGLE_VIEW: (BAD, LACKING)}, AWAY, viewpoint='sensor')
    assert kinds == [ObservationKind.SINGLE_VIEW]
    assert done == [(ObservationKind.SINGLE_VIEW, 1)]


def test_without_a_camera_there_are_no_views():
    _, done = passed({ObservationKind.FULL_SURFACE: (BAD, FULL)}, AWAY, viewpoint='none')
    assert done == [(ObservationKind.FULL_SURFACE, 1)]


def test_kinds_are_run_in_batches_but_parts_one_by_one():
    kinds, done = passed({ObservationKind.SINGLE_VIEW: (GOOD, FULL), ObservationKind.FULL_SURFACE: (BAD, LACKING),
                          ObservationKind.PARTIAL_SURFACE: (GOOD, LACKING)}, AROUND, AWAY, AROUND, AWAY)
    assert kinds == [ObservationKind.PARTIAL_SURFACE, ObservationKind.SINGLE_VIEW, ObservationKind.PARTIAL_SURFACE, ObservationKind.SINGLE_VIEW]
    assert done == [(ObservationKind.SINGLE_VIEW, 2), (ObservationKind.FULL_SURFACE, 2), (ObservationKind.PARTIAL_SURFACE, 1), (ObservationKind.PARTIAL_SURFACE, 1)]


def test_a_camera_amid_the_points_is_refused():
    cube = np.float32([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    with pytest.raises(CloudError, match='viewpoint'):
        may_be_single_view(cube, 'sensor')
    assert not may_be_single_view(cube, 'auto')


# --- starts all around ---------------------------------------------------------------------


def test_starts_are_of_every_pair_in_the_order_of_the_observations():
    starts = spread_hypotheses(prepared(AROUND, AWAY), references=3, count=5)
    assert starts.observation.tolist() == [0] * 15 + [1] * 15
    assert starts.reference.tolist() == ([0] * 5 + [1] * 5 + [2] * 5) * 2
    assert not starts.t.any()


def test_no_rotation_is_far_from_a_start():
    starts = spread_hypotheses(prepared(AROUND), references=1, count=128)
    turns = torch.from_numpy(np.stack([random_rotation_matrix(seed) for seed in range(200)])).float()
    nearest = rotation_distance_rad(turns[:, None], starts.R[None]).amin(dim=1)
    assert torch.rad2deg(nearest.max()) < 45


# --- surfaces with a part missing ----------------------------------------------------------


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


def test_surfaces_that_lack_nearly_half_are_posed_as_parts_alone(estimator, reference,
                                                                 monkeypatch):
    assert share_posed(estimator, reference, 0.45) >= 0.8
    monkeypatch.setattr(passes, 'COMPLETE_COVERAGE', 0.0)
    assert share_posed(estimator, reference, 0.45) <= 0.5


def test_the_right_one_of_several_is_named_though_a_third_is_missing(estimator, reference):
    known = [reference(name) for name in ('bracket', 'drill', 'hammer', 'spray')]
    for row, truth in enumerate(known):
        T, points = cut(truth.name, row, 0.35)
        best = estimator.estimate(points, known)[0]
        assert best.name == truth.name
        assert apart_deg(best.T_observation_reference, T) < 3
        assert not best.single_view
