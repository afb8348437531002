"""Calibrations: probabilities, what may raise them, fitting, and files that are damaged."""

from dataclasses import replace
import json

from hypothesis import given, strategies
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.estimation.confidence import (
    FEATURES,
    FRAME_FEATURES,
    Calibration,
    EvidenceSummary,
    FrameWeights,
    Weights,
    default_calibration,
    features_of,
    read_calibration,
)
from pointpng_core.estimation.confidence.fitting import RIDGE, fit_weights
from pointpng_core.estimation.observation_kind import ObservationKind

KEYS = 'expected single_view with .*; surface with .*; frame with .*pixel_lead'
BETTER = {'score': 1, 'coverage': 1, 'residual': -1, 'scale_residual': -1, 'second_best_pose': -1,
          'second_best_object': -1, 'points': 1}
TYPICAL = {'score': 0.6, 'coverage': 0.8, 'residual': 0.01, 'noise': 0.008,
           'scale_residual': -0.03, 'second_best_pose': 0.4, 'second_best_object': 0.3,
           'points': 500.0}


def summary(**values):
    """One estimate."""
    return EvidenceSummary(**{name: np.array([value], dtype=float)
                        for name, value in {**TYPICAL, **values}.items()})


def sampled(count, weights, seed=0):
    """Features (count, F) and outcomes of poses whose probabilities are known."""
    rng = np.random.default_rng(seed)
    features = rng.random((count, len(weights.names())))
    return features, rng.random(count) < weights.probability(features)


def test_features_lie_in_the_unit_interval_whatever_comes():
    wild = [0.0, -1.0, 1e9, np.inf, -np.inf, np.nan]
    for name in TYPICAL:
        for value in wild:
            features = features_of(summary(**{name: value}))
            assert features.shape == (1, len(FEATURES))
            assert ((features >= 0) & (features <= 1)).all()


@pytest.mark.parametrize(('name', 'way'), BETTER.items())
def test_what_is_better_lowers_no_feature_and_raises_one(name, way):
    worse, better = (features_of(summary(**{name: TYPICAL[name] * (1 + way * change)}))
                     for change in (-0.1, 0.1))
    moved = (better - worse)[0]
    if name == 'score':  # which changes the margin and the lead, too
        assert moved[FEATURES.index('score')] > 0
    assert (moved >= 0).all()
    assert moved.max() > 0


def test_a_lone_reference_leads_by_the_maximum():
    alone = features_of(summary(second_best_object=0.0, second_best_pose=0.0))[0]
    assert alone[FEATURES.index('lead')] == alone[FEATURES.index('margin')] == 1.0


def test_a_reference_that_another_beats_has_no_lead():
    beaten = features_of(summary(second_best_object=0.9))[0]
    assert beaten[FEATURES.index('lead')] < 0.5


@given(strategies.lists(strategies.floats(0, 50), min_size=len(FEATURES), max_size=len(FEATURES)),
       strategies.floats(-100, 100), strategies.integers(0, len(FEATURES) - 1))
def test_probabilities_are_monotone_whatever_the_weights(values, intercept, column):
    weights = Weights(intercept=intercept, **dict(zip(FEATURES, values)))
    features = np.full((11, len(FEATURES)), 0.5)
    features[:, column] = np.linspace(0, 1, 11)
    sure = weights.probability(features)
    assert ((sure >= 0) & (sure <= 1)).all()
    assert (np.diff(sure) >= 0).all()


def test_a_weight_below_zero_is_refused():
    with pytest.raises(ConfigError, match='coverage'):
        Weights(coverage=-0.1)


def test_a_refit_recovers_known_probabilities():
    true = Weights(intercept=-6.0, score=5.0, coverage=3.0, margin=2.0)
    features, right = sampled(20000, true)
    fitted = fit_weights(features, right, Weights)
    assert fitted.score == pytest.approx(5.0, rel=0.15)
    assert fitted.coverage == pytest.approx(3.0, rel=0.15)
    assert fitted.points < 0.25
    fresh, _ = sampled(500, true, seed=1)
    assert np.abs(fitted.probability(fresh) - true.probability(fresh)).max() < 0.05


def test_weights_of_frames_are_fitted_by_their_own_features():
    true = FrameWeights(intercept=-8.0, score=4.0, found=4.0, drop=6.0)
    features, right = sampled(20000, true)
    fitted = fit_weights(features, right, FrameWeights)
    assert isinstance(fitted, FrameWeights)
    for name in FRAME_FEATURES:
        assert getattr(fitted, name) == pytest.approx(getattr(true, name), rel=0.15, abs=0.25)


def test_without_bounds_at_work_the_fit_is_scikit_learns():
    features, right = sampled(2000, Weights(intercept=-9.0, **dict.fromkeys(FEATURES, 3.0)))
    ours = fit_weights(features, right, Weights)
    theirs = LogisticRegression(C=1 / RIDGE, tol=1e-10, max_iter=5000).fit(
        features, right)
    assert [getattr(ours, name) for name in FEATURES] == pytest.approx(theirs.coef_[0], abs=1e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-3)


def test_a_feature_with_the_wrong_sign_gets_no_weight():
    features, right = sampled(2000, Weights(intercept=-2.0, score=6.0))
    assert fit_weights(1.0 - features, right, Weights).score == 0.0


def test_separable_poses_are_fitted_with_finite_weights():
    features = np.repeat([[0.2], [0.9]], 20, axis=0) * np.ones(len(FEATURES))
    right = np.repeat([False, True], 20)
    sure = fit_weights(features, right, Weights).probability(features)
    assert sure[0] < 0.1
    assert sure[-1] > 0.9


@pytest.mark.parametrize('right', [np.ones(20, bool), np.zeros(20, bool), np.array([True, False])])
def test_poses_of_one_kind_fit_nothing(right):
    with pytest.raises(ConfigError, match='some of either kind'):
        fit_weights(np.ones((len(right), len(FEATURES))), right, Weights)


def test_the_calibration_that_ships_separates_good_from_bad():
    shipped = default_calibration()
    best, worst = np.ones((1, len(FEATURES))), np.zeros((1, len(FEATURES)))
    for kind in ObservationKind:
        assert shipped.probability(best, kind=kind)[0] > 0.9
        assert shipped.probability(worst, kind=kind)[0] < 0.1
    whole = np.stack((np.ones(len(FRAME_FEATURES)), np.zeros(len(FRAME_FEATURES))))
    sure, doubtful = shipped.frame.probability(whole)
    assert sure > 0.9
    assert doubtful < 0.1


def test_a_calibration_survives_its_file(tmp_path):
    mine = Calibration(single_view=Weights(intercept=-1.5, score=2.0),
                       surface=Weights(points=0.25),
                       frame=FrameWeights(intercept=-3.0, lead=0.5, outline=1.75))
    mine.write(tmp_path / 'mine.json')
    assert read_calibration(tmp_path / 'mine.json') == mine
    features = np.full((1, len(FEATURES)), 0.5)
    view, full, partial = (mine.probability(features, kind=kind)[0] for kind in ObservationKind)
    assert view != full
    assert full == partial


def damaged(change):
    """The text of a good file after a change to its content."""
    content = replace(default_calibration()).to_mapping()
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(('text', 'word'), [
    ('', 'not valid JSON'), ('{"single_view": ', 'not valid JSON'), ('[]', KEYS), ('{}', KEYS),
    (damaged(lambda c: c.pop('surface')), KEYS),
    (damaged(lambda c: c['single_view'].pop('score')), KEYS),
    (damaged(lambda c: c['single_view'].update(luck=1.0)), KEYS),
    (damaged(lambda c: c['single_view'].update(score=-1.0)), 'score'),
    (damaged(lambda c: c['single_view'].update(score='big')), 'score'),
    (damaged(lambda c: c['single_view'].update(intercept=float('nan'))), 'intercept'),
    (damaged(lambda c: c.update(single_view=[1, 2])), KEYS),
    (damaged(lambda c: c.pop('frame')), KEYS),
    (damaged(lambda c: c['frame'].pop('outline')), KEYS),
    (damaged(lambda c: c['surface'].update(outline=1.0)), KEYS),
    (damaged(lambda c: c['frame'].update(outline=-0.5)), 'outline'),
    (damaged(lambda c: c.update(frame=c['surface'])), KEYS),
])
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path, text, word):
    path = tmp_path / 'bad.json'
    path.write_text(text)
    with pytest.raises(FileError, match=word) as error:
        read_calibration(path)
    assert 'bad.json' in str(error.value)


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(FileError, match='missing'):
        read_calibration(tmp_path / 'missing.json')
    with pytest.raises(FileError, match='cannot write'):
        default_calibration().write(tmp_path / 'no' / 'folder.json')
    (tmp_path / 'binary.json').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(FileError, match='not valid JSON'):
        read_calibration(tmp_path / 'binary.json')
