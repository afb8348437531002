"""Own methods and baselines on pair files: the pipeline, and the embedding alone."""

import json

from helpers.evaluation import write_model, write_pairs
from helpers.objects import pose, random_rotation_matrix, view, whole
import numpy as np
import pytest

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.errors import CloudError, ConfigError, FileError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.evaluation.pairs.split_rule import SplitRule
from pointpng_core.evaluation.pose.methods import (
    REFINE_STEPS,
    EmbeddingAlone,
    PointPng,
    Tracking,
    own_methods,
    perturbed,
)
from pointpng_core.evaluation.pose.metrics import rotation_error_deg
from pointpng_core.evaluation.pose.pose_benchmark import evaluate_pose
from pointpng_core.geometry.clouds import diameter_m
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.simulation.shapes.catalogue import make_object

DOCUMENTED = {'rotation_mean_deg', 'rotation_median_deg', 'rotation_max_deg', 'recall_5deg',
              'adds_2', 'adds_5', 'adds_10', 'as_good_as_truth', 'ms_median', 'ms_p95',
              'reference_ms', 'stage_ms'}


@pytest.fixture(scope='module')
def methods():
    """Our methods by name, of the training-free model."""
    found = own_methods(EstimatorConfig(), models=[load_model()], device='cpu', gradient=True)
    return {method.name: method for method in found}


def test_our_methods_on_resampled_pairs(tmp_path):
    write_pairs(tmp_path / 'brackets.npz', count=3, points=1024)
    lines = []
    result = evaluate_pose(tmp_path / 'brackets.npz', baselines=False, limit=3,
                           report=lines.append)
    assert set(result) == {'pairs', 'file', 'threads', 'model', 'methods'}
    assert (result['pairs'], result['model']) == (3, 'training_free')
    assert list(result['methods']) == ['pointpng', 'embedding', 'bidirectional', 'tracking']
    for summary in result['methods'].values():
        assert set(summary) == DOCUMENTED
        assert summary['adds_5'] == 1.0
    assert result['methods']['pointpng']['recall_5deg'] == 1.0
    one_way, both = (result['methods'][name]['rotation_mean_deg']
                     for name in ('pointpng', 'bidirectional'))
    assert both < one_way
    assert json.loads(json.dumps(result)) == result
    assert lines == [f'{name}: 3 pairs' for name in result['methods']]


def test_our_method_reports_what_the_estimator_says(estimator):
    source = whole('bracket', 2000)
    method = PointPng(estimator)
    prepared = method.prepare(source)
    T = pose(random_rotation_matrix(2), (0.01, 0.02, 0))
    target = transform(T, whole('bracket', 900, seed=4)).astype(np.float32)
    found, stage_ms = method.register(prepared, target)
    assert rotation_error_deg(found, T) < 1
    assert np.array_equal(
        found, estimator.estimate(target, [prepared])[0].T_observation_reference)
    assert 'search' in stage_ms


@pytest.mark.parametrize('name', ['embedding', 'embedding, algorithm 1'])
def test_the_embedding_alone_finds_the_rotation_of_a_whole_surface(methods, name):
    prepared = methods[name].prepare(whole('bracket', 2000))
    for seed in range(3):
        T = pose(random_rotation_matrix(seed), (0.01, 0.02, 0))
        target = transform(T, whole('bracket', 2000, seed=9)).astype(np.float32)
        found, stage_ms = methods[name].register(prepared, target)
        assert rotation_error_deg(found, T) < 6
        assert np.abs(found[:3, 3] - T[:3, 3]).max() < 0.005
        assert np.allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-9)
        assert stage_ms == {}


def test_the_embedding_alone_is_refined_and_the_pipeline_as_configured(methods):
    steps = {name: method._estimator.config.search.refine_steps
             for name, method in methods.items()}
    assert steps == {'pointpng': 0, 'embedding': REFINE_STEPS,
                     'embedding, algorithm 1': REFINE_STEPS}
    kinds = {name: method._estimator.config.search.method for name, method in methods.items()}
    assert kinds == {'pointpng': 'exhaustive', 'embedding': 'exhaustive',
                     'embedding, algorithm 1': 'gradient'}


def test_the_embedding_alone_finds_a_single_view_by_the_views(methods):
    mesh = make_object('bracket').mesh
    method = methods['embedding']
    prepared = method.prepare(whole('bracket', 4000))
    errors = []
    for seed in range(6):
        T = pose(random_rotation_matrix(seed), (0.02, -0.03, 0.6))
        found, _ = method.register(prepared, view(mesh, T))
        assert np.abs(found[:3, 3] - T[:3, 3]).max() < 0.08
        errors.append(rotation_error_deg(found, T))
    assert np.median(errors) < 25


def test_the_embedding_alone_is_worth_less_than_the_pipeline(estimator):
    """Nothing is verified or registered: the residual of the best hypothesis is its own."""
    source, T = whole('mug', 3000), pose(random_rotation_matrix(1), (0.01, 0, 0))
    target = transform(T, whole('mug', 1200, seed=5)).astype(np.float32)
    alone, pipeline = EmbeddingAlone(estimator), PointPng(estimator)
    errors = [rotation_error_deg(method.register(method.prepare(source), target)[0], T)
              for method in (alone, pipeline)]
    assert errors[0] > errors[1]


def pair_of(T, seed=4):
    target = transform(T, whole('drill', 1200, seed=seed)).astype(np.float32)
    return PosePair(source=whole('drill', 3000), target=target, T_target_source=T)


def test_tracking_starts_as_far_from_the_truth_as_it_says():
    pair = pair_of(pose(random_rotation_matrix(3), (0.1, 0.2, 0.9)))
    T = perturbed(pair)
    middle = np.append(pair.source.mean(axis=0), 1.0)
    assert rotation_error_deg(T, pair.T_target_source) == pytest.approx(8.0, abs=1e-6)
    shift = np.linalg.norm((T - pair.T_target_source) @ middle)
    assert shift == pytest.approx(0.04 * diameter_m(pair.source), rel=1e-4)
    assert np.array_equal(perturbed(pair), T)
    assert not np.allclose(perturbed(pair_of(pair.T_target_source, seed=5)), T)


def test_tracking_comes_home_from_there_and_not_from_afar(estimator):
    pair = pair_of(pose(random_rotation_matrix(3), (0.1, 0.2, 0.9)))
    method = Tracking(estimator)
    prepared = method.prepare(pair.source)
    method.expect(perturbed(pair))
    found, stage_ms = method.register(prepared, pair.target)
    assert rotation_error_deg(found, pair.T_target_source) < 1
    assert {'fine', 'refine'} <= set(stage_ms)
    assert not {'search', 'coarse'} & set(stage_ms)
    far = pair.T_target_source @ pose(random_rotation_matrix(1))
    method.expect(far)
    found, stage_ms = method.register(prepared, pair.target)
    assert np.array_equal(found, far)
    assert stage_ms == {}


def test_a_cloud_that_fixes_no_pose_is_refused_by_the_embedding_too(methods):
    method = methods['embedding']
    with pytest.raises(CloudError):
        method.register(method.prepare(whole('bracket', 500)), np.zeros((3, 3), np.float32))


@pytest.mark.long
def test_beside_a_learned_model_stands_the_training_free_one(tmp_path):
    write_pairs(tmp_path / 'brackets.npz', count=2, points=512)
    checkpoint = write_model(tmp_path / 'model')
    result = evaluate_pose(tmp_path / 'brackets.npz', baselines=False, model=checkpoint)
    assert result['model'] == checkpoint
    names = ['pointpng', 'embedding', 'pointpng training_free', 'embedding training_free']
    assert list(result['methods']) == [*names, 'bidirectional', 'tracking']
    floor = evaluate_pose(tmp_path / 'brackets.npz', baselines=False)
    for name in names[2:]:
        same = floor['methods'][name.removesuffix(' training_free')]
        assert result['methods'][name]['rotation_max_deg'] == same['rotation_max_deg']
    assert result['methods']['embedding']['rotation_max_deg'] \
        != result['methods']['embedding training_free']['rotation_max_deg']


@pytest.mark.long
def test_unseen_objects_are_reported_apart(tmp_path):
    """Position 1 of the sorted names b c d is c: the pairs 0 and 3."""
    path = tmp_path / 'brackets.npz'
    write_pairs(path, count=4, points=512, name=np.array(['c', 'b', 'd', 'c']))
    result = evaluate_pose(path, baselines=False, unseen=SplitRule(3, 1))
    seen, unseen = result['parts']['seen'], result['parts']['unseen']
    assert (result['pairs'], seen['pairs'], unseen['pairs']) == (4, 2, 2)
    for name, whole_file in result['methods'].items():
        parts = [part['methods'][name] for part in (seen, unseen)]
        assert whole_file['rotation_max_deg'] == max(part['rotation_max_deg'] for part in parts)
        assert whole_file['rotation_mean_deg'] == pytest.approx(
            np.mean([part['rotation_mean_deg'] for part in parts]))
        assert parts[0]['rotation_mean_deg'] != parts[1]['rotation_mean_deg']
    limited = evaluate_pose(path, baselines=False, limit=1, unseen=SplitRule(3, 1))
    assert (limited['parts']['unseen']['pairs'], limited['parts']['seen']['methods']) == (1, {})


def test_files_without_names_have_no_unseen_objects(tmp_path):
    write_pairs(tmp_path / 'brackets.npz', count=1)
    with pytest.raises(FileError, match='names no objects'):
        evaluate_pose(tmp_path / 'brackets.npz', baselines=False, unseen=SplitRule(3, 1))


def test_an_unknown_model_is_refused(tmp_path):
    write_pairs(tmp_path / 'brackets.npz', count=1)
    with pytest.raises(ConfigError, match='training_free'):
        evaluate_pose(tmp_path / 'brackets.npz', baselines=False, model='training_fee')


def test_baselines_run_on_the_same_pairs(tmp_path):
    pytest.importorskip('small_gicp')
    write_pairs(tmp_path / 'brackets.npz', count=2, points=1024)
    result = evaluate_pose(tmp_path / 'brackets.npz', baselines=True)
    assert len(result['methods']) == 7
    for summary in result['methods'].values():
        assert set(summary) == DOCUMENTED
        assert summary['ms_median'] > 0
        assert summary['reference_ms'] > 0
    # A baseline that finds no pose would make any comparison with it worthless.
    assert result['methods']['icp_48_starts']['recall_5deg'] == 1.0
    assert max(values['recall_5deg'] for name, values in result['methods'].items()
               if 'fpfh' in name) >= 0.5
