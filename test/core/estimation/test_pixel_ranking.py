"""Look-alikes told apart by pixels, and what else is known of estimates that are ranked anew."""

from dataclasses import replace
import functools

from helpers.objects import apart_deg, boxes, pose
from helpers.pixels import SIGMA_M, dense, placed, view_of
from helpers.posed import scaled
from helpers.solids import SOLIDS
from helpers.tracking import estimate, perturbed
import numpy as np
import pytest

from pointpng_core.estimation.confidence import FEATURES, PIXEL_FEATURES, default_calibration
from pointpng_core.estimation.pixels import PixelJudge, PixelRanking
from pointpng_core.estimation.pixels.alternatives import (
    COMPARABLE,
    LABELS,
    LEAST_SCORE,
    compared,
)
from pointpng_core.estimation.pixels.ranking import OUTSIDE_CONFIDENCE, with_pixels
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.shapes.catalogue import make_object

BALL = SOLIDS['ball'][0]
MESHES = {
    'ball': BALL, 'larger ball': scaled(BALL, 1.08),
    'oblong': TriangleMesh(vertices=BALL.vertices * np.float32([1, 1, 1.12]), faces=BALL.faces),
    'box': boxes(((-0.06, -0.04, -0.03), (0.06, 0.04, 0.03))),
    'longer box': boxes(((-0.066, -0.04, -0.03), (0.066, 0.04, 0.03))),
    'mug': make_object('mug').mesh, 'drill': make_object('drill').mesh}
LOOK_ALIKES = [('ball', 'larger ball'), ('ball', 'oblong'), ('box', 'longer box')]
T_BOX = placed(4)
FEATURE_VALUES = np.linspace(0.3, 0.9, len(FEATURES))


@functools.cache
def reference(name):
    return dense(MESHES[name], name)


@pytest.fixture(scope='module')
def ranking():
    references = [reference(name) for name in MESHES]
    return PixelRanking(references, PixelJudge(references))


def seen(name, T=T_BOX, seed=0):
    return view_of((MESHES[name], T), noise_m=SIGMA_M, seed=seed)


def found(name, T=T_BOX, score=0.8, **options):
    """What a search might have found, near a pose."""
    near = perturbed(T, 2.0, 0.002, reference(name), 3)
    return replace(estimate(near, score, name=name, **options), features=FEATURE_VALUES)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize(('first', 'second'), LOOK_ALIKES + [pair[::-1] for pair in LOOK_ALIKES])
def test_look_alikes_that_the_search_ranks_wrongly_are_told_apart(ranking, first, second, seed):
    wrong_first = [found(second, score=0.9), found(first, score=0.8)]
    best, other = ranking.ranked([wrong_first], seen(first, seed=seed))[0]
    assert (best.name, other.name) == (first, second)
    lead = PIXEL_FEATURES.index('pixel_lead')
    assert best.pixel_features[lead] > 0.5 > other.pixel_features[lead]
    assert [label.name for label in best.other_labels] == [second]
    assert [label.name for label in other.other_labels] == [first]
    assert best.other_labels[0].confidence == other.confidence


def test_poses_of_one_reference_are_told_apart(ranking):
    """A mug with its handle to the left, or to the right."""
    T = pose(T_BOX[:3, :3], T_BOX[:3, 3])
    turned = T @ pose(np.diag([-1.0, -1.0, 1.0]))
    wrong = found('mug', turned, others=[(T, 0.7)])
    best, = ranking.ranked([[wrong]], seen('mug', T))[0]
    assert apart_deg(best.T_observation_reference, T) < 2
    assert best.score == 0.7
    assert not best.ambiguous
    assert best.pixel_features[PIXEL_FEATURES.index('pixel_margin')] > 0.5
    assert any(apart_deg(other.T_observation_reference, turned) < 10
               for other in best.runners_up)
    changed = best.features != wrong.features
    assert {FEATURES[index] for index in np.flatnonzero(changed)} <= {
        'score', 'coverage', 'margin'}


def test_poses_refine_towards_the_truth(ranking):
    before = found('drill')
    best, = ranking.ranked([[before]], seen('drill'))[0]
    assert apart_deg(best.T_observation_reference, T_BOX) < 0.3 < apart_deg(
        before.T_observation_reference, T_BOX)
    assert best.confidence == pytest.approx(default_calibration().frame.probability(
        np.concatenate((best.features, best.pixel_features))[None])[0])


def test_segments_in_which_nothing_was_found_are_left_alone(ranking):
    doubtful = [found('box', score=LEAST_SCORE - 0.01), found('mug', score=0.1)]
    results = ranking.ranked([[], doubtful, [found('drill')]], seen('drill'))
    assert results[:2] == [[], doubtful]
    assert results[2][0].pixel_features is not None
    assert ranking.ranked([doubtful], seen('drill')) == [doubtful]
    assert ranking.ranked([], seen('drill')) == []


def test_estimates_that_are_not_judged_keep_their_places_and_confidence(ranking):
    """Those much worse than the best one, and those beyond the best few."""
    scores = (0.9, 0.85, 0.8, 0.75, *(0.99 * COMPARABLE * 0.9 - np.arange(3) / 100))
    estimates = [replace(found(name, score=score), confidence=0.01 * row)
                 for row, (name, score) in enumerate(zip(MESHES, scores))]
    results = ranking.ranked([estimates], seen('box'))[0]
    assert results[0].name == 'box'
    assert results[-3:] == estimates[-3:]
    assert len(results) == len(MESHES)
    assert {each.name for each in results} == set(MESHES)
    many = (LABELS * estimates[:1] + estimates[1:2])
    assert [rival.estimate for rival in compared(0, many) if rival.estimate.name == 'ball'] \
        == LABELS * estimates[:1]
    assert all(rival.estimate is not many[-1] for rival in compared(0, many))


def test_segments_are_ranked_as_each_alone(ranking):
    """Though their poses are refined and judged together."""
    view = view_of((MESHES['box'], T_BOX), (MESHES['mug'], placed(2, (-0.15, 0.05, 0.6))),
                   noise_m=SIGMA_M)
    segments = [[found('longer box'), found('box', score=0.7)], [],
                [found('mug', placed(2, (-0.15, 0.05, 0.6)), score=0.6), found('drill')]]
    together = ranking.ranked(segments, view)
    for own, estimates in zip(together, segments):
        alone = ranking.ranked([estimates], view)[0]
        assert [each.name for each in own] == [each.name for each in alone]
        for one, other in zip(own, alone):
            np.testing.assert_allclose(one.T_observation_reference,
                                       other.T_observation_reference, atol=5e-4)
            assert one.confidence == pytest.approx(other.confidence, abs=0.02)
    assert [each[0].name for each in together if each] == ['box', 'mug']


# --- judged where they are -------------------------------------------------------------------


def test_judged_estimates_stay_where_they_are_and_keep_what_is_known_of_others(ranking):
    before, = ranking.ranked([[found('box'), found('longer box')]], seen('box'))[0][:1]
    away = before.carried(before.T_observation_reference @ pose(t=(0.03, 0, 0)))
    same, moved = ranking.judged([before, away], seen('box'))
    np.testing.assert_array_equal(moved.T_observation_reference, away.T_observation_reference)
    known = [PIXEL_FEATURES.index(name) for name in ('pixel_margin', 'pixel_lead')]
    for after in (same, moved):
        np.testing.assert_array_equal(after.pixel_features[known], before.pixel_features[known])
        assert after.other_labels[0].name == 'longer box'
    np.testing.assert_allclose(same.pixel_features, before.pixel_features, atol=1e-4)
    assert same.confidence == pytest.approx(before.confidence, abs=1e-3)
    assert moved.confidence < 0.5 * before.confidence


def test_estimates_of_references_that_are_not_searched_for_are_not_judged(ranking):
    unknown = replace(found('box'), name='bowl')
    assert ranking.judged([unknown], seen('box')) == [unknown]
    kept, judged = ranking.judged([unknown, found('box')], seen('box'))
    assert kept is unknown
    assert judged.pixel_features is not None
    assert ranking.judged([], seen('box')) == []


def test_support_is_that_of_the_true_pose_at_most(ranking):
    poses = [found('box'), replace(found('box'), T_observation_reference=T_BOX), found('drill')]
    assert ranking.support(poses, seen('box')).argmax() == 1


def test_without_features_of_points_the_confidence_stays():
    pixels = np.full(len(PIXEL_FEATURES), 0.5)
    plain = replace(found('box'), features=None, confidence=0.3)
    assert with_pixels(plain, pixels).confidence == 0.3
    assert with_pixels(plain, pixels).pixel_features is pixels
    sure, doubtful = (with_pixels(found('box'), np.full(len(PIXEL_FEATURES), share)).confidence
                      for share in (1.0, 0.0))
    assert sure > doubtful


@pytest.mark.parametrize(('column', 'sure'), [(0.0, True), (0.3, True), (0.42, False)])
def test_a_pose_of_which_most_is_outside_of_the_image_is_not_sure(ranking, column, sure):
    """The image ends at .366 m to the right at a depth of .6 m."""
    T = pose(T_BOX[:3, :3], (column, 0.0, 0.6))
    known = replace(found('box', T), T_observation_reference=T, features=np.ones(len(FEATURES)))
    judged, = ranking.judged([known], seen('box', T))
    assert (judged.confidence > OUTSIDE_CONFIDENCE) == sure
    of_its_pixels = with_pixels(judged, judged.pixel_features)
    assert (judged.confidence == of_its_pixels.confidence) == sure
