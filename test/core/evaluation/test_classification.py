"""SVM, probe, fine-tuning and few-shot: on features one can check by hand, and rotated clouds."""

import builtins
import json

from helpers.evaluation import Spread, blobs, fake_model, object_set, write_model
import numpy as np
import pytest
import torch

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.errors import CloudError, ConfigError, FileError, MissingDependencyError
from pointpng_core.estimation.recognition import ObjectClassifier
from pointpng_core.estimation.recognition.classifier_files import load_classifier
from pointpng_core.evaluation.embedding.classification import (
    ClassificationTask,
    evaluate_classification,
)
from pointpng_core.evaluation.embedding.head_training import HeadConfig, probe_accuracy
from pointpng_core.evaluation.embedding.labelled_objects import LabelledObjects, rotations_of
from pointpng_core.evaluation.embedding.svm import accuracies, few_shot, held_out, svm_accuracy
from pointpng_core.io.checkpoints import read_checkpoint, write_checkpoint

KEYS = {'model', 'svm_accuracy', 'probe_accuracy', 'finetune_accuracy', 'few_shot', 'classes',
        'train_objects', 'test_objects', 'points', 'features', 'pooling', 'up', 'seed',
        'protocols'}


def clusters(classes, each, *, seed, spread=0.3):
    """Features (K, 8) about a corner of their own per class, and their labels."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    corners = 3.0 * np.random.default_rng(7).normal(size=(classes, 8))
    return corners[labels] + spread * random.normal(size=(len(labels), 8)), labels


def evaluated(model, **options):
    task = ClassificationTask(**{'c': 1.0, **options})
    return evaluate_classification(model, [blobs(40, seed=1)], [blobs(30, seed=2)], task=task)


# --- the linear SVM ------------------------------------------------------------------------


def test_separate_classes_are_classified():
    train, labels = clusters(4, 10, seed=0)
    test, truth = clusters(4, 5, seed=1)
    result = svm_accuracy(train, labels, test, truth)
    assert (result['accuracy'], result['class_accuracy']) == (1.0, 1.0)
    assert set(result['c_scores']) == {'0.001', '0.01', '0.1', '1.0'}
    assert result['c'] == min(float(c) for c, score in result['c_scores'].items() if score == 1)


def test_shuffled_labels_bring_it_down_to_chance():
    train, labels = clusters(4, 20, seed=0)
    test, truth = clusters(4, 20, seed=1)
    shuffled = np.random.default_rng(0).permutation(labels)
    assert svm_accuracy(train, shuffled, test, truth, c=1.0)['accuracy'] < 0.6


def test_c_is_the_one_that_is_given():
    train, labels = clusters(2, 10, seed=0, spread=4.0)
    test, truth = clusters(2, 50, seed=1, spread=4.0)
    results = [svm_accuracy(train, labels, test, truth, c=c) for c in (1e-6, 1.0)]
    assert [result['c'] for result in results] == [1e-6, 1.0]
    assert all(result['c_scores'] == {} for result in results)


def test_features_of_any_scale_count_alike():
    train, labels = clusters(3, 10, seed=0, spread=2.0)
    test, truth = clusters(3, 30, seed=1, spread=2.0)
    scale, shift = np.geomspace(1e-3, 1e3, 8), np.arange(8.0)
    assert svm_accuracy(train, labels, test, truth, c=0.1) == svm_accuracy(
        train * scale + shift, labels, test * scale + shift, truth, c=0.1)


@pytest.mark.parametrize(('sizes', 'expected'), [((20, 10), (4, 2)), ((2, 3), (1, 1)),
                                                 ((1, 5), (0, 1))])
def test_a_part_of_each_class_is_held_out(sizes, expected):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    validation = held_out(labels, seed=0)
    assert tuple(int(validation[labels == label].sum()) for label in range(len(sizes))) == expected


def test_with_one_object_a_class_c_has_to_be_given():
    features, labels = clusters(3, 1, seed=0)
    with pytest.raises(ConfigError, match='give C'):
        svm_accuracy(features, labels, features, labels)
    assert svm_accuracy(features, labels, features, labels, c=1.0)['accuracy'] == 1.0


def test_accuracy_counts_objects_and_class_accuracy_classes():
    result = accuracies(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    assert result == {'accuracy': 0.75, 'class_accuracy': 0.5}


def test_a_missing_scikit_learn_is_reported(monkeypatch):
    real = builtins.__import__

    def no_sklearn(name, *rest):
        if name.startswith('sklearn'):
            raise ModuleNotFoundError('No module named sklearn', name='sklearn')
        return real(name, *rest)
    monkeypatch.setattr(builtins, '__import__', no_sklearn)
    features, labels = clusters(2, 3, seed=0)
    with pytest.raises(MissingDependencyError, match=r'pointpng_ros\[train\]'):
        svm_accuracy(features, labels, features, labels, c=1.0)


# --- few-shot ------------------------------------------------------------------------------


def test_few_shot_has_the_settings_for_which_there_are_classes():
    train, labels = clusters(6, 12, seed=0)
    test, truth = clusters(6, 20, seed=1)
    results = few_shot(train, labels, test, truth, c=1.0, seed=0)
    assert set(results) == {'5-way 10-shot'}
    assert results['5-way 10-shot']['mean'] == 1.0
    assert len(results['5-way 10-shot']['runs']) == 10
    assert results['5-way 10-shot']['c'] == 1.0
    hard, _ = clusters(6, 20, seed=1, spread=6.0)
    noisy = few_shot(train, labels, hard, truth, c=1.0, seed=0)['5-way 10-shot']
    assert noisy['mean'] == pytest.approx(np.mean(noisy['runs']))
    assert noisy['mean'] < 0.9
    assert noisy['std'] == pytest.approx(np.std(noisy['runs']))
    assert noisy['std'] > 0
    assert noisy == few_shot(train, labels, hard, truth, c=1.0, seed=0)['5-way 10-shot']


def test_few_shot_with_too_few_classes_is_refused():
    with pytest.raises(ConfigError, match='fewer than 5 classes'):
        few_shot(*clusters(4, 30, seed=0), *clusters(4, 30, seed=1), c=1.0, seed=0)


# --- rotations -----------------------------------------------------------------------------


def test_rotations_are_of_training_and_test_clouds():
    assert rotations_of('upright', 'z') == ('none', 'none')
    assert rotations_of('z/SO3', 'y') == ('y', 'so3')
    assert rotations_of('SO3/SO3', 'z') == ('so3', 'so3')


def test_what_depends_on_the_pose_suffers_from_rotations():
    states = evaluated(fake_model(Spread()))['protocols']['svm']
    assert states['upright']['accuracy'] == 1.0
    assert states['z/SO3']['accuracy'] < 0.9
    assert states['SO3/SO3']['accuracy'] < 0.9


def test_invariant_features_do_not_care():
    result = evaluated(load_model('training_free'))
    scores = {state: details['accuracy'] for state, details in
              result['protocols']['svm'].items()}
    assert set(scores) == {'upright', 'z/SO3', 'SO3/SO3'}
    assert len(set(scores.values())) == 1
    assert result['svm_accuracy'] == scores['upright'] > 0.9


def test_keys_are_those_that_are_documented():
    result = evaluated(load_model('training_free'), protocols=('svm', 'probe'),
                       rotations=('SO3/SO3',))
    assert set(result) == KEYS
    assert result['finetune_accuracy'] is result['few_shot'] is None
    assert result['probe_accuracy'] == result['protocols']['probe']['SO3/SO3']['accuracy']
    assert result['classes'] == ['long', 'round']
    assert (result['train_objects'], result['test_objects'], result['features']) == (40, 30, 90)
    assert json.loads(json.dumps(result)) == result


# --- data that cannot be used --------------------------------------------------------------


@pytest.mark.parametrize(('train', 'test', 'message'), [
    ({'labels': None}, {}, 'no labels'), ({}, {'class_names': ('a', 'b')}, 'test split a, b'),
    ({}, {'count': 0}, 'test split is empty'), ({'labels': [0] * 6}, {}, 'one class'),
    ({}, {'labels': [0, 1, 2, 0, 1, 2], 'class_names': ('long', 'round')}, 'no object of')])
def test_data_without_classes_or_splits_is_refused(train, test, message):
    def part(labels=(0, 1) * 3, class_names=('long', 'round'), count=6):
        clouds = torch.randn(6, 32, 3, generator=torch.Generator().manual_seed(0))
        whole = object_set(clouds, labels, class_names=class_names)
        return [object_set(clouds, labels, class_names=class_names) if count else
                type(whole)(**{**vars(whole), 'points': whole.points[:0],
                               'labels': whole.labels[:0]})]
    with pytest.raises(FileError, match=message):
        evaluate_classification(load_model('training_free'), part(**train), part(**test),
                                task=ClassificationTask(c=1.0))


def test_sources_of_different_classes_are_not_joined():
    with pytest.raises(FileError, match='different classes'):
        LabelledObjects.of([blobs(4, seed=0), object_set(torch.randn(2, 9, 3), [0, 1],
                                                         class_names=('x', 'y'))], split='train')


def test_objects_of_unknown_class_are_left_out():
    clouds = torch.randn(4, 9, 3, generator=torch.Generator().manual_seed(0))
    known = LabelledObjects.of([object_set(clouds, [0, -1, 1, -1])], split='train')
    assert known.labels.tolist() == [0, 1]
    assert len(known.points) == 2


@pytest.mark.parametrize(('options', 'message'), [
    ({'protocols': ('knn',)}, 'knn'), ({'rotations': ('upside',)}, 'upside'), ({'c': 0.0}, 'c ='),
    ({'up': 'w'}, 'w'), ({'save': 'x'}, 'one head'),
    ({'save': 'x', 'protocols': ('probe',)}, 'not 3'), ({'rotations': ()}, 'nothing')])
def test_tasks_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        ClassificationTask(**options)


# --- heads ---------------------------------------------------------------------------------


def test_the_probe_learns_and_depends_on_its_seed_alone():
    (train, labels), (test, truth) = clusters(3, 20, seed=0), clusters(3, 20, seed=1)
    tensors = [torch.tensor(train).float(), torch.tensor(labels), torch.tensor(test).float(),
               torch.tensor(truth)]
    before = torch.random.get_rng_state()
    config = HeadConfig(epochs=30, batch=16, lr=0.01)
    probe, result = probe_accuracy(*tensors, config=config, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert result['accuracy'] == 1.0
    again, _ = probe_accuracy(*tensors, config=config, seed=1)
    other, _ = probe_accuracy(*tensors, config=config, seed=2)
    assert torch.equal(probe.linear.weight, again.linear.weight)
    assert not torch.equal(probe.linear.weight, other.linear.weight)
    shuffled = tensors[1][torch.randperm(60, generator=torch.Generator().manual_seed(0))]
    assert probe_accuracy(tensors[0], shuffled, *tensors[2:], config=config)[1]['accuracy'] < 0.7


@pytest.mark.parametrize('protocol', ['probe', 'finetune'])
def test_heads_are_trained_and_kept_with_encoder_and_labels(tmp_path, protocol):
    model = load_model(write_model(tmp_path / 'start'))
    before = {key: value.clone() for key, value in model.encoder.network.state_dict().items()}
    result = evaluated(model, protocols=(protocol,), rotations=('SO3/SO3',),
                       heads={'epochs': 8, 'batch': 8, 'lr': 3e-3}, save=tmp_path / 'kept')
    assert result[f'{protocol}_accuracy'] > 0.7
    assert result['protocols'][protocol]['SO3/SO3']['epochs'] == 8
    for key, value in model.encoder.network.state_dict().items():
        assert torch.equal(value, before[key])
    kept = load_classifier(tmp_path / 'kept')
    assert kept.labels == ('long', 'round')
    assert load_model(tmp_path / 'kept').labels == kept.labels
    test = LabelledObjects.of([blobs(30, seed=2, upright=False)], split='test')
    with torch.no_grad():
        clouds = test.clouds(32, 'none', generator=torch.Generator())
        predicted = kept.head(kept.network.features(clouds)).argmax(dim=1)
    assert (predicted == test.labels).float().mean() > 0.7
    tuned = any(not torch.equal(value, before[key])
                for key, value in kept.network.state_dict().items())
    assert tuned == (protocol == 'finetune')


def test_a_saved_classifier_takes_clouds_in_any_unit_and_place(tmp_path):
    model = load_model(write_model(tmp_path / 'start'))
    evaluated(model, protocols=('probe',), rotations=('SO3/SO3',),
              heads={'epochs': 20, 'batch': 8, 'lr': 3e-3}, save=tmp_path / 'kept')
    classifier = ObjectClassifier(tmp_path / 'kept')
    test = blobs(30, seed=2, upright=False)
    clouds = [3.0 * points.numpy() + 5.0 for points in test.points]
    right = [classifier.classify(cloud) == test.class_names[label]
             for cloud, label in zip(clouds, test.labels)]
    assert sum(right) > 0.7 * len(right)
    ranked = classifier.rank(clouds[0])
    assert sum(share for _, share in ranked) == pytest.approx(1, abs=1e-5)
    assert ranked[0][1] >= ranked[1][1]
    assert classifier.classify(clouds[0], least_probability=1.1) is None
    with pytest.raises(CloudError, match='in one place'):
        classifier.rank(np.ones((40, 3)))
    assert load_model(tmp_path / 'kept').metadata['metrics']['classifier']['accuracy'] > 0.7


def test_what_has_no_network_is_not_fine_tuned():
    with pytest.raises(ConfigError, match='nothing to fine-tune'):
        evaluated(load_model('training_free'), protocols=('finetune',))


@pytest.mark.parametrize('change', [{'classes': 3}, {'features': 7}, {'classes': 'two'}])
def test_a_head_that_is_not_what_its_description_says_is_refused(tmp_path, change):
    model = load_model(write_model(tmp_path / 'start'))
    evaluated(model, protocols=('probe',), rotations=('upright',), heads={'epochs': 1},
              save=tmp_path / 'kept')
    whole = read_checkpoint(tmp_path / 'kept')
    config = {**whole.config, 'head': {**whole.config['head'], **change}}
    write_checkpoint(tmp_path / 'other', tensors=whole.tensors, config=config)
    with pytest.raises(FileError, match='does not fit the network'):
        load_classifier(tmp_path / 'other')


def test_a_checkpoint_without_a_head_is_no_classifier(tmp_path):
    with pytest.raises(FileError, match='holds no classifier'):
        load_classifier(write_model(tmp_path / 'plain'))
