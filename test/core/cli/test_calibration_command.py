"""`pointpng evaluate calibration` and `recognition`, from files to figures, on tiny data."""

from dataclasses import replace

from helpers.evaluation import documented, evaluated
from helpers.objects import CAMERA, pose, random_rotation_matrix, view, whole
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.cli import main as cli
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.confidence import FEATURES, Calibration, Weights, read_calibration
from pointpng_core.estimation.observation_kind import ObservationKind
from pointpng_core.evaluation.confidence.calibration import fit_calibration, half_of, judge
from pointpng_core.evaluation.confidence.cases import Case
from pointpng_core.evaluation.confidence.reliability import acceptance, reliability, risk_coverage
from pointpng_core.evaluation.confidence.scenes import scene_cases, simulated_tables, table_objects
from pointpng_core.simulation.shapes.catalogue import make_object

SINGLE_VIEW, FULL_SURFACE, PARTIAL_SURFACE = ObservationKind
NAMES = ('bracket', 'drill', 'hammer', 'mug')


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))


def write_views(path, names, each):
    """Pairs of whole surfaces and views, as `make-pairs` writes them."""
    rows = {key: [] for key in ('source', 'target', 'rotation', 'translation')}
    for index in range(len(names) * each):
        T = pose(random_rotation_matrix(index), (0.01, 0.02, 0.6))
        name = names[index // each]
        seen = view(make_object(name).mesh, T, seed=index, camera=CAMERA)
        rows['source'].append(whole(name, 600))
        rows['target'].append(seen[np.random.default_rng(index).choice(len(seen), 600)])
        rows['rotation'].append(Rotation.from_matrix(T[:3, :3]).as_quat())
        rows['translation'].append(T[:3, 3])
    clouds = {key: np.round(np.array(rows[key]) * 32767).astype(np.int16)
              for key in ('source', 'target')}
    np.savez(path, **clouds, scale=np.ones(len(rows['source']), np.float32),
             rotation=np.array(rows['rotation']), translation=np.array(rows['translation']),
             name=np.repeat(names, each))
    return path


def test_calibration_is_fitted_judged_and_plotted(tmp_path, capsys):
    pairs = write_views(tmp_path / 'views.npz', NAMES, 3)
    fit, plot = tmp_path / 'mine.json', tmp_path / 'mine.png'
    result, table = evaluated(tmp_path, capsys, 'calibration', '--pairs', pairs, '--fit', fit,
                              '--plot', plot)
    assert set(result) | set(result['all']) | set(result['bins'][0]) | set(result['curve'][0]) \
        | set(result['weights']) <= documented('calibration')
    assert result['all']['cases'] == 2 * 3 * 4
    assert result['all']['unknown'] == 2 * 3 * 2
    assert result['fitted'] == 2 * 3 * 4
    assert result['weights']['single_view'] == read_calibration(fit).to_mapping()['single_view']
    assert plot.read_bytes().startswith(b'\x89PNG')
    assert 'views' in table
    assert 'ECE' in table
    again, _ = evaluated(tmp_path, capsys, 'calibration', '--pairs', pairs, '--calibration', fit,
                         '--threshold', 0.2)
    assert again['weights'] == result['weights']
    assert again['all']['accepted'] >= result['all']['accepted']
    assert again['fitted'] == 0


def test_recognition_is_evaluated(tmp_path, capsys):
    pairs = write_views(tmp_path / 'views.npz', NAMES, 1)
    result, table = evaluated(tmp_path, capsys, 'recognition', '--pairs', pairs)
    part = result['sources']['views']
    assert set(result) | set(part) | set(part['roc'][0]) <= documented('recognition')
    assert (part['observations'], part['references']) == (4, 4)
    assert part['top_5'] == 1.0
    assert 'views' in table


@pytest.mark.parametrize(('words', 'message'), [
    (['calibration'], 'nothing to calibrate with'),
    (['recognition'], 'nothing to recognise'),
    (['calibration', '--pairs', 'no.npz'], 'no.npz'),
    (['calibration', '--frames', 'no-dataset'], 'no-dataset'),
    (['calibration', '--scenes', '1', '--seed', '-1'], '--seed -1'),
    (['calibration', '--calibration', 'no.json'], 'no.json'),
    (['calibration', '--fit', 'no/folder.json'], 'no/folder.json'),
])
def test_what_cannot_be_done_is_said(capsys, words, message):
    assert cli.main(['evaluate', *words]) != 0
    assert message in capsys.readouterr().err


def cases(count=400, seed=0):
    """Cases of known probabilities, for both kinds of observations."""
    rng = np.random.default_rng(seed)
    truth = Calibration(single_view=Weights(intercept=-5.0, score=10.0),
                        surface=Weights(intercept=-3.0, coverage=6.0))
    made = []
    for row in range(count):
        features, kind = rng.random(len(FEATURES)), (FULL_SURFACE, SINGLE_VIEW)[row % 2]
        sure = truth.probability(features[None], kind=kind)[0]
        right = bool(rng.random() < sure)
        made.append(Case(source='ab'[row % 2], name='x', known=right, right=right,
                         kind=kind, features=features, score=features[0],
                         confidence=float(sure)))
    return truth, made


def test_a_fit_is_better_calibrated_than_what_it_starts_from():
    _, fitting = cases(2000)
    _, fresh = cases(1000, seed=1)
    start = Calibration(single_view=Weights(intercept=2.0), surface=Weights(intercept=2.0))
    fitted = fit_calibration(fitting, start)
    before, after = (judge(fresh, one) for one in (start, fitted))
    assert after['ece'] < 0.06 < before['ece']
    assert after['brier'] < before['brier']
    assert set(after['sources']) == {'a', 'b'}


@pytest.mark.parametrize('few', [0, 2])
def test_a_kind_of_observation_with_few_cases_keeps_its_weights(few):
    _, made = cases()
    start = Calibration(surface=Weights(points=7.0))
    views, surfaces = ([case for case in made if case.kind is kind]
                       for kind in (SINGLE_VIEW, FULL_SURFACE))
    fitted = fit_calibration(views + surfaces[:few], start)
    assert fitted.surface == start.surface
    assert fitted.single_view != start.single_view


def test_full_and_partial_surfaces_share_their_weights():
    _, made = cases()
    partial = [replace(case, kind=PARTIAL_SURFACE) if row % 3 and case.kind is FULL_SURFACE
               else case for row, case in enumerate(made)]
    assert any(case.kind is PARTIAL_SURFACE for case in partial)
    start = Calibration()
    assert fit_calibration(partial, start) == fit_calibration(made, start)


def test_reliability_by_hand():
    sure, right = np.array([0.05, 0.95, 0.95, 1.0]), np.array([False, True, False, True])
    result = reliability(sure, right)
    assert result['bins'][9]['count'] == 3
    assert result['bins'][9]['right'] == pytest.approx(2 / 3)
    assert result['ece'] == pytest.approx((0.05 + 3 * abs(2.9 / 3 - 2 / 3)) / 4)
    assert result['brier'] == pytest.approx((0.05 ** 2 * 2 + 0.95 ** 2) / 4)


def test_acceptance_by_hand():
    sure = np.array([0.2, 0.6, 0.7, 0.9])
    right, known = np.array([True, False, True, True]), np.array([True, False, True, True])
    assert acceptance(sure, right, known, 0.6) == {
        'cases': 4, 'accepted': 0.75, 'wrong': pytest.approx(1 / 3), 'wrong_count': 1,
        'recall': pytest.approx(2 / 3), 'unknown': 1, 'unknown_accepted': 1.0}
    nothing = acceptance(sure, right, known, 1.0)
    assert (nothing['accepted'], nothing['wrong'], nothing['unknown_accepted']) == (0.0, 0.0, 0.0)
    curve = risk_coverage(sure, right)
    kept = [row['accepted'] for row in curve]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 1.0


def test_halves_share_no_object():
    names = ['b', 'a', 'c', 'b', 'e', 'd']
    assert half_of(names, True) == {'a', 'c', 'e'}
    assert half_of(names, False) == {'b', 'd'}


def test_tables_are_the_same_for_a_seed_and_crowded():
    objects = [make_object(name) for name in NAMES]
    first, again, other = (next(simulated_tables(objects, scenes=1, seed=seed))
                           for seed in (0, 0, 1))
    assert np.array_equal(first.points, again.points, equal_nan=True)
    assert not np.array_equal(first.points, other.points, equal_nan=True)
    assert len(first.truths) == len(NAMES)


def test_objects_too_large_for_the_table_are_left_out():
    mug, drill = make_object('mug').mesh, make_object('drill').mesh
    large = type(mug)(vertices=mug.vertices * np.float32(10), faces=mug.faces)
    assert [item.name for item in table_objects({'a': drill, 'b': large})] == ['a']


def test_tables_make_cases_of_known_and_unknown_objects(estimator):
    objects = [make_object(name) for name in NAMES]
    made = scene_cases(estimator, objects, scenes=3, seed=2)
    assert len(made) >= 6
    assert {case.known for case in made} == {True, False}
    assert all(case.name in {*NAMES, ''} for case in made)
    assert not any(case.right for case in made if not case.known)
    known = [case.right for case in made if case.known]
    assert sum(known) >= 0.7 * len(known)
    with pytest.raises(ConfigError, match='at least two'):
        scene_cases(estimator, objects[:1], scenes=1, seed=0)
