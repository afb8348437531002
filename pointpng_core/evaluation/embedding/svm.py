"""The linear SVM on frozen features, by which point-cloud pre-training is usually compared.

scikit-learn's SVC(kernel='linear'), as in the evaluation code of Point-M2AE and Point-JEPA; here
on features standardised by the training split, and with C chosen on a part of that split. The
few-shot protocol, K classes with N examples of each, uses the same SVM.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError, MissingDependencyError

CANDIDATES = (0.001, 0.01, 0.1, 1.0)
"""Values of C among which one is chosen."""
HELD_OUT = 0.2
"""Share of each class of the training split on which C is chosen."""

SETTINGS = ((5, 10), (5, 20), (10, 10), (10, 20))
"""Ways and shots (Sharma and Kaul 2020, as all later work)."""
QUERIES = 20
"""Test objects of each class in a few-shot run."""
RUNS = 10

Features = NDArray[np.float64]
Labels = NDArray[np.int64]


def svm_accuracy(train: Features, train_labels: Labels, test: Features, test_labels: Labels, *,
                 c: float | None = None, seed: int = 0) -> dict[str, Any]:
    """Return {"accuracy", "class_accuracy", "c", "c_scores"} of features (K, F), labels (K,).

    Without `c` the best of CANDIDATES on a held-out part of the training split is taken, the
    smaller one of two equals. "c_scores" holds the accuracies there. Raises ConfigError,
    MissingDependencyError.
    """
    scores = {} if c is not None else held_out_scores(train, train_labels, CANDIDATES, seed=seed)
    chosen = c if c is not None else max(scores, key=lambda value: scores[value])
    predicted = fit_predict(train, train_labels, test, c=chosen)
    return {**accuracies(predicted, test_labels), 'c': chosen,
            'c_scores': {str(value): score for value, score in scores.items()}}


def fit_predict(train: Features, train_labels: Labels, test: Features, *, c: float) -> Labels:
    """Return the labels that a linear SVM gives to the test features."""
    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale < 1e-9] = 1.0
    machine = _svc()(kernel='linear', C=c)
    machine.fit((train - mean) / scale, train_labels)
    return np.asarray(machine.predict((test - mean) / scale), np.int64)


def held_out_scores(features: Features, labels: Labels, candidates: Sequence[float], *,
                    seed: int) -> dict[float, float]:
    """Return the accuracy of each C on a held-out part of the training split."""
    validation = held_out(labels, seed=seed)
    if not validation.any():
        raise ConfigError('every class has a single training object: none is left to choose C on; '
                          'give C')
    kept, expected = ~validation, labels[validation]
    return {c: float((fit_predict(features[kept], labels[kept], features[validation], c=c)
                      == expected).mean()) for c in candidates}


def held_out(labels: Labels, *, seed: int) -> NDArray[np.bool_]:
    """Return a mask (K,) with about HELD_OUT of each class, never all and at least one in all."""
    generator = np.random.default_rng(seed)
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        mask[rows[:min(len(rows) - 1, max(1, round(HELD_OUT * len(rows))))]] = True
    return mask


def accuracies(predicted: Labels, true: Labels) -> dict[str, float]:
    """Return the share of right labels, over all objects and as the mean over the classes."""
    right = predicted == true
    classes = [right[true == label].mean() for label in np.unique(true)]
    return {'accuracy': float(right.mean()), 'class_accuracy': float(np.mean(classes))}


def few_shot(train: Features, train_labels: Labels, test: Features, test_labels: Labels, *,
             c: float, seed: int, runs: int = RUNS) -> dict[str, Any]:
    """Return {"5-way 10-shot": {"mean", "std", "runs", "c"}, ...} of features and labels (K,).

    Examples come from the training split, queries from the test split, both sampled again in each
    run. Settings for which there are too few classes are left out; raises ConfigError if all are.
    """
    results = {}
    for ways, shots in SETTINGS:
        classes = _usable_classes(train_labels, test_labels, shots)
        if len(classes) < ways:
            continue
        scores = [_few_shot_run(train, train_labels, test, test_labels, c=c, shots=shots,
                                generator=np.random.default_rng((seed, run)), classes=classes,
                                ways=ways) for run in range(runs)]
        results[f'{ways}-way {shots}-shot'] = {
            'mean': float(np.mean(scores)), 'std': float(np.std(scores)), 'runs': scores,
            'c': c}
    if not results:
        raise ConfigError(f'few-shot: fewer than {SETTINGS[0][0]} classes have '
                          f'{SETTINGS[0][1]} training and {QUERIES} test objects')
    return results


def _usable_classes(train_labels: Labels, test_labels: Labels, shots: int) -> Labels:
    return np.array([label for label in np.unique(train_labels)
                     if (train_labels == label).sum() >= shots
                     and (test_labels == label).sum() >= QUERIES], np.int64)


def _few_shot_run(train: Features, train_labels: Labels, test: Features, test_labels: Labels, *,
                  c: float, shots: int, ways: int, classes: Labels,
                  generator: np.random.Generator) -> float:
    chosen = generator.choice(classes, ways, replace=False)
    support = _rows(train_labels, chosen, shots, generator)
    queries = _rows(test_labels, chosen, QUERIES, generator)
    predicted = fit_predict(train[support], train_labels[support], test[queries], c=c)
    return accuracies(predicted, test_labels[queries])['accuracy']


def _rows(labels: Labels, classes: Labels, count: int, generator: np.random.Generator) -> Labels:
    return np.concatenate([generator.choice(np.flatnonzero(labels == label), count, replace=False)
                           for label in classes])


def _svc() -> Any:
    try:
        from sklearn.svm import SVC
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "the linear SVM needs scikit-learn: `pip install 'pointpng_ros[train]'`; the "
            'protocols probe and finetune do without') from error
    return SVC
