"""Few-shot classification: K classes, N examples of each, a linear SVM on frozen features."""

from typing import Any

import numpy as np

from pointpng_core.errors import ConfigError
from pointpng_core.evaluation.embedding.svm import Features, Labels, accuracies, fit_predict

SETTINGS = ((5, 10), (5, 20), (10, 10), (10, 20))
"""Ways and shots (Sharma and Kaul 2020, as all later work)."""
QUERIES = 20
"""Test objects of each class in a run."""
RUNS = 10


def few_shot(train: Features, train_labels: Labels, test: Features, test_labels: Labels, *,
             c: float, seed: int, runs: int = RUNS) -> dict[str, Any]:
    """Return {"5-way 10-shot": {"mean", "std", "runs", "c"}, ...} of features and labels (K,).

    Examples come from the training split, queries from the test split, both drawn anew in each
    run. Settings for which there are too few classes are left out; raises ConfigError if all are.
    """
    results = {}
    for ways, shots in SETTINGS:
        classes = _usable_classes(train_labels, test_labels, shots)
        if len(classes) < ways:
            continue
        scores = [_run(train, train_labels, test, test_labels, c=c, shots=shots,
                       generator=np.random.default_rng((seed, run)), classes=classes, ways=ways)
                  for run in range(runs)]
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


def _run(train: Features, train_labels: Labels, test: Features, test_labels: Labels, *, c: float,
         shots: int, ways: int, classes: Labels, generator: np.random.Generator) -> float:
    chosen = generator.choice(classes, ways, replace=False)
    support = _rows(train_labels, chosen, shots, generator)
    queries = _rows(test_labels, chosen, QUERIES, generator)
    predicted = fit_predict(train[support], train_labels[support], test[queries], c=c)
    return accuracies(predicted, test_labels[queries])['accuracy']


def _rows(labels: Labels, classes: Labels, count: int, generator: np.random.Generator) -> Labels:
    return np.concatenate([generator.choice(np.flatnonzero(labels == label), count, replace=False)
                           for label in classes])
