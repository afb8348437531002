"""Recognition: norms that no rotation changes, the right name first, unknown objects, ROC."""

from types import SimpleNamespace

from helpers.evaluation import Sizes, fake_model
from helpers.objects import moved, pose, random_rotation_matrix, view, whole
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
import torch

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.estimation.recognition import Recogniser, RecognitionConfig
from pointpng_core.evaluation.embedding.recognition import (
    Observed,
    auc,
    evaluate_recognition,
    summary,
)
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = ('drill', 'bracket', 'bottle', 'bowl', 'mug', 'hammer')


@pytest.fixture(scope='module')
def recogniser(estimator):
    return Recogniser(estimator.model)


@pytest.fixture(scope='module')
def references(reference):
    return [reference(name) for name in NAMES]


def seen(name, seed=0):
    T = pose(random_rotation_matrix(seed), (0.02, -0.01, 0.6))
    return view(make_object(name).mesh, T, noise=0.5, seed=seed)


@pytest.mark.parametrize('name', NAMES)
def test_views_are_recognised(recogniser, references, name):
    ranked = [recogniser.rank(seen(name, seed), references) for seed in range(4)]
    assert sum(names[0][0] == name for names in ranked) >= 3
    assert all(name in dict(names[:3]) for names in ranked)
    for names in ranked:
        values = [similarity for _, similarity in names]
        assert values == sorted(values, reverse=True)
        assert len(names) == len(NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_full_surfaces_are_recognised(recogniser, references, name):
    cloud = moved(pose(random_rotation_matrix(5), (0.0, 0.0, 0.0)), whole(name, 2000))
    cloud = cloud - cloud.mean(axis=0)
    assert recogniser.rank(cloud, references)[0][0] == name


def test_views_are_compared_with_full_surfaces_where_the_viewpoint_says_so(estimator, references):
    points = seen('drill')
    by_default, as_surface = (Recogniser(estimator.model, viewpoint=viewpoint)
                              for viewpoint in ('auto', 'none'))
    centred = points - points.mean(axis=0)
    of_surface = by_default.similarities([centred], references)
    assert np.allclose(as_surface.similarities([points], references), of_surface, atol=1e-3)
    assert not np.allclose(by_default.similarities([points], references), of_surface, atol=1e-3)


def test_a_rotation_of_the_camera_about_its_axis_changes_nothing(recogniser, references):
    points = seen('drill')
    rotated = moved(pose(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])), points)
    before, after = recogniser.similarities([points, rotated], references)
    assert after == pytest.approx(before, abs=1e-5)


def test_size_counts(recogniser, references):
    """The same shape at half the size is not similar to the object any more."""
    points = seen('drill')
    row = NAMES.index('drill')
    small = recogniser.similarities([points, points * np.float32(0.5)], references)[:, row]
    assert small[1] < small[0] - 0.02


def test_a_shortlist_is_the_head_of_the_ranking(recogniser, references):
    points = seen('bottle', 2)
    ranked = [name for name, _ in recogniser.rank(points, references)]
    short = recogniser.shortlist([points, seen('mug')], references, 2)
    assert [reference.name for reference in short[0]] == ranked[:2]
    assert [len(part) for part in short] == [2, 2]


def test_below_the_threshold_an_object_is_unknown(estimator, references):
    def name(threshold):
        config = RecognitionConfig(least_similarity=threshold)
        return Recogniser(estimator.model, config=config).recognise(seen('drill'), references)
    assert name(0.0) == 'drill'
    assert name(1.0) is None


def test_norms_are_those_that_the_encoder_calls_features(estimator, recogniser):
    model = load_model()
    clouds = torch.randn(3, 200, 3) * 0.2
    features = torch.nn.functional.normalize(model.encoder.features(clouds), dim=-1)
    assert torch.allclose(recogniser._invariants(model.encoder.encode(clouds)), features,
                          atol=1e-6)


def test_models_without_norms_and_empty_libraries_are_refused(recogniser):
    with pytest.raises(ConfigError, match='steerable'):
        Recogniser(fake_model(Sizes()))
    with pytest.raises(ConfigError, match='no references'):
        recogniser.rank(seen('drill'), [])


def test_clouds_that_are_none_are_refused(recogniser, references):
    with pytest.raises(CloudError, match='observation 0'):
        recogniser.rank(np.zeros((3, 3), np.float32), references)


def test_the_area_under_the_curve_is_scikit_learns():
    rng = np.random.default_rng(0)
    known, unknown = rng.normal(1.0, 1.0, 50).round(1), rng.normal(0.0, 1.0, 40).round(1)
    truth = np.repeat([1, 0], (50, 40))
    assert auc(known, unknown) == pytest.approx(
        roc_auc_score(truth, np.concatenate((known, unknown))))


def test_places_and_rates_by_hand():
    similarity = np.array([[0.9, 0.5, 0.1, 0.0], [0.8, 0.7, 0.1, 0.0], [0.9, 0.8, 0.7, 0.6]])
    result = summary(similarity, np.array([0, 1, 3]), 0.75)
    assert (result['top_1'], result['top_3']) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert result['top_5'] == 1.0
    assert result['known_kept'] == 1.0
    assert result['unknown_rejected'] == pytest.approx(1 / 3)  # 0.5, 0.8 and 0.9 are left
    rates = [row['known_kept'] for row in result['roc']]
    assert rates == sorted(rates, reverse=True)


def test_a_perfect_recogniser_has_perfect_figures():
    names = ('a', 'b', 'c')
    part = Observed(source='x', names=names, clouds=(0, 1, 2),
                    references=tuple(SimpleNamespace(name=name) for name in names))
    oracle = SimpleNamespace(config=RecognitionConfig(least_similarity=0.5),
                             similarities=lambda clouds, references: np.eye(3)[clouds])
    result = evaluate_recognition(oracle, [part])['sources']['x']
    assert [result[key] for key in ('top_1', 'top_5', 'auc', 'known_kept', 'unknown_rejected')] \
        == [1.0] * 5


def test_one_reference_is_too_few():
    part = Observed(source='x', names=('a',), clouds=(0,), references=(SimpleNamespace(name='a'),))
    with pytest.raises(ConfigError, match='at least 2'):
        evaluate_recognition(SimpleNamespace(config=RecognitionConfig()), [part])
