"""Look-alikes of which the pixels moved the poses: their points are judged where they are now."""

from dataclasses import replace

from helpers.objects import pose, view
from helpers.tracking import estimate, perturbed
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.estimation.confidence import FEATURES, PIXEL_FEATURES, default_calibration
from pointpng_core.segmentation import Segment
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.tracking.point_judgement import FINALISTS, most_probable_first

T = pose(Rotation.from_euler('xyz', [200, 25, 40], degrees=True).as_matrix(), (0.02, -0.01, 0.6))
CLOUD = view(make_object('drill').mesh, T, noise=1.0)
SEGMENT = Segment(points=CLOUD, indices=np.arange(len(CLOUD)))
NAMES = ('drill', 'mug')


def finalist(name, T=T, score=0.5, **options):
    """An estimate with all features alike."""
    return replace(estimate(T, score, name=name, **options),
                   features=np.full(len(FEATURES), 0.6),
                   pixel_features=np.full(len(PIXEL_FEATURES), 0.8))


@pytest.fixture
def references(reference):
    return {name: reference(name) for name in NAMES}


@pytest.fixture
def ranked(estimator, references):
    """A function from the estimates of the segment to what becomes of them."""
    return lambda found: most_probable_first([found], [SEGMENT], references, estimator, CLOUD)[0]


def test_the_pose_whose_points_fit_comes_first(ranked, reference):
    off = perturbed(T, 12.0, 0.01, reference('drill'), 0)
    for names in (NAMES, NAMES[::-1]):
        best, other = ranked([finalist(name) for name in names])
        assert (best.name, other.name) == ('drill', 'mug')
        assert best.score > 0.7 > other.score
        assert best.confidence > other.confidence
    moved, = ranked([finalist('drill', off, score=best.score)])
    assert moved.score < 0.8 * best.score


def test_scores_features_and_leads_are_those_of_the_pose(ranked, estimator, reference):
    best, other = ranked([finalist('mug'), finalist('drill')])
    judged, = estimator.judge_batch([CLOUD], [reference('drill')], [T], scene_points=CLOUD,
                                    viewpoint='sensor')
    value = dict(zip(FEATURES, best.features))
    assert best.score == judged.score == pytest.approx(value['score'])
    assert value['coverage'] == pytest.approx(best.coverage)
    assert value['margin'] == 0.6                    # what is known of other poses is kept
    assert value['lead'] > 0.5 > dict(zip(FEATURES, other.features))['lead']
    assert best.confidence == pytest.approx(default_calibration().frame.probability(
        np.concatenate((best.features, best.pixel_features))[None])[0])


def test_what_the_pixels_did_not_judge_stays_behind(ranked):
    unjudged = estimate(T, 0.9, name='mug')
    found = ranked([finalist('drill'), unjudged])
    assert found[0].name == 'drill'
    assert found[1] is unjudged
    assert ranked([unjudged]) == [unjudged]
    assert ranked([]) == []


def test_only_finalists_are_judged(ranked):
    many = [finalist('drill', score=0.123) for _ in range(FINALISTS + 1)]
    scores = [each.score for each in ranked(many)]
    assert scores[-1] == 0.123
    assert all(score > 0.7 for score in scores[:-1])
