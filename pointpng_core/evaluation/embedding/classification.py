"""Classification with the features of a model: four protocols under three kinds of rotation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.embedding.encoders.learned import SteerableEncoder
from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.recognition.classifier_files import save_classifier
from pointpng_core.evaluation.embedding.head_training import (
    FINE_TUNING,
    PROBE,
    HeadConfig,
    classify,
    fine_tune,
    network_of,
    probe_accuracy,
)
from pointpng_core.evaluation.embedding.labelled_objects import (
    ROTATIONS,
    LabelledObjects,
    check_same_classes,
    rotations_of,
)
from pointpng_core.evaluation.embedding.svm import (
    Features,
    Labels,
    accuracies,
    few_shot,
    svm_accuracy,
)
from pointpng_core.training.data import ObjectSet
from pointpng_core.training.point_samples import cloud_points, in_batches

PROTOCOLS = ('svm', 'probe', 'finetune', 'few-shot')
FEW_SHOT_C = 0.01
"""C of the few-shot runs, which have no objects to choose it on."""
NORMS, TOKENS = 'norm of the embedding per copy and degree', '[max | mean] of the tokens'
POOLING: dict[type, str] = {HarmonicEncoder: NORMS, SteerableEncoder: f'{NORMS}, {TOKENS}'}
"""Composition of the features; tokens for every other encoder."""

Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ClassificationTask:
    """The protocols and settings, without the model and the data."""

    protocols: tuple[str, ...] = ('svm',)
    rotations: tuple[str, ...] = tuple(ROTATIONS)
    up: str = 'z'
    """Vertical axis of the data."""
    c: float | None = None
    """C of the SVM; None chooses it on a part of the training split."""
    points: int | None = None
    heads: dict[str, Any] | None = None
    """Values of HeadConfig that replace the defaults of probe and fine-tuning."""
    save: Path | None = None
    """Checkpoint to which the trained head is written with its encoder."""
    seed: int = 0
    device: str = 'cpu'

    def __post_init__(self) -> None:
        """Check the names; raises ConfigError."""
        for what, given, known in (('protocol', self.protocols, PROTOCOLS),
                                   ('rotations', self.rotations, tuple(ROTATIONS)),
                                   ('up', (self.up,), ('x', 'y', 'z'))):
            wrong = [name for name in given if name not in known]
            if wrong or not given:
                raise ConfigError(f'{what} = {", ".join(wrong) or "nothing"}: choose from '
                                  f'{", ".join(known)}')
        if self.c is not None and not 0.0 < self.c < float('inf'):
            raise ConfigError(f'c = {self.c}: must lie above 0')
        heads = [name for name in self.protocols if name in ('probe', 'finetune')]
        if self.save is not None and (len(heads) != 1 or len(self.rotations) != 1):
            raise ConfigError('save: only one head can be kept; choose one of the protocols probe '
                              f'and finetune, not {len(heads)}, and one of the rotations, not '
                              f'{len(self.rotations)}')

    def head(self, default: HeadConfig) -> HeadConfig:
        """Return the settings of a head."""
        return replace(default, **(self.heads or {}))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    """One kind of rotation: clouds of both splits, and their frozen features."""

    model: EmbeddingModel
    task: ClassificationTask
    train: LabelledObjects
    test: LabelledObjects
    points: int
    rotation: str
    """Rotation of the training clouds."""
    test_clouds: Tensor
    train_features: Tensor
    """(K, F)"""
    test_features: Tensor
    report: Callable[[str], None]

    def arrays(self) -> tuple[Features, Labels, Features, Labels]:
        """Return features and labels of both splits, as scikit-learn takes them."""
        return (self.train_features.double().numpy(), self.train.labels.numpy(),
                self.test_features.double().numpy(), self.test.labels.numpy())


def evaluate_classification(model: EmbeddingModel, train_sets: Sequence[ObjectSet],
                            test_sets: Sequence[ObjectSet], *, task: ClassificationTask,
                            report: Callable[[str], None] = lambda line: None) -> Result:
    """Run the protocols on the training and test splits of sources with the same classes.

    Returns {"model", "svm_accuracy", "probe_accuracy", "finetune_accuracy", "few_shot" (each under
    the first rotations, None when not asked for), "classes", "train_objects", "test_objects",
    "points", "features", "pooling", "up", "seed", "protocols": {PROTOCOL: {ROTATIONS: details}}}.
    Details of svm: see svm_accuracy; of probe and finetune: "accuracy", "class_accuracy" and the
    values of HeadConfig; of few-shot: see few_shot. Raises FileError, ConfigError,
    MissingDependencyError.
    """
    train, test = (LabelledObjects.of(sets, split=split)
                   for sets, split in ((train_sets, 'train'), (test_sets, 'test')))
    check_same_classes(train, test)
    points = cloud_points(model.encoder, task.points)
    if 'finetune' in task.protocols or task.save is not None:
        network_of(model)
    details: dict[str, Result] = {protocol: {} for protocol in task.protocols}
    for rotations in task.rotations:
        report(f'features of {len(train) + len(test)} objects, {rotations}')
        run = _run(rotations, model=model, task=task, train=train, test=test, points=points,
                   report=report)
        for protocol in task.protocols:
            report(f'{protocol}, {rotations}')
            details[protocol][rotations] = _PROTOCOLS[protocol](run)
    first = {protocol: of[task.rotations[0]] for protocol, of in details.items()}
    return {
        'model': model.name,
        **{f'{name}_accuracy': first.get(name, {}).get('accuracy')
           for name in ('svm', 'probe', 'finetune')},
        'few_shot': first.get('few-shot'), 'classes': list(train.class_names),
        'train_objects': len(train), 'test_objects': len(test), 'points': points,
        'features': run.train_features.shape[1],
        'pooling': POOLING.get(type(model.encoder), TOKENS), 'up': task.up, 'seed': task.seed,
        'protocols': details}


def _run(rotations: str, *, model: EmbeddingModel, task: ClassificationTask,
         train: LabelledObjects, test: LabelledObjects, points: int,
         report: Callable[[str], None]) -> _Run:
    generator = torch.Generator().manual_seed(task.seed)
    kinds = rotations_of(rotations, task.up)
    clouds = [objects.clouds(points, kind, generator=generator)
              for objects, kind in zip((train, test), kinds)]
    features = [in_batches(model.encoder.features, list(part), device=task.device)
                for part in clouds]
    return _Run(model=model, task=task, train=train, test=test, points=points,
                rotation=kinds[0],
                test_clouds=clouds[1], train_features=features[0], test_features=features[1],
                report=report)


def _svm(run: _Run) -> Result:
    result = svm_accuracy(*run.arrays(), c=run.task.c, seed=run.task.seed)
    return {**result, 'kernel': 'linear', 'standardised': True}


def _few_shot(run: _Run) -> Result:
    c = FEW_SHOT_C if run.task.c is None else run.task.c
    return few_shot(*run.arrays(), c=c, seed=run.task.seed)


def _probe(run: _Run) -> Result:
    config = run.task.head(PROBE)
    probe, result = probe_accuracy(run.train_features, run.train.labels, run.test_features,
                                   run.test.labels, config=config, seed=run.task.seed)
    result = {**result, **config.to_mapping()}
    if run.task.save is not None:
        save_classifier(run.task.save, network=network_of(run.model), head=probe,
                        labels=run.train.class_names, metrics=result, facts=run.model.metadata)
    return result


def _finetune(run: _Run) -> Result:
    config = run.task.head(FINE_TUNING)
    tuned = fine_tune(network_of(run.model), run.train, points=run.points,
                      rotation=run.rotation,
                      config=config, seed=run.task.seed, device=run.task.device,
                      report=run.report)
    predicted = classify(tuned, run.test_clouds, device=run.task.device)
    result = {**accuracies(predicted.numpy(), run.test.labels.numpy()), **config.to_mapping()}
    if run.task.save is not None:
        save_classifier(run.task.save, network=tuned.network, head=tuned.head,
                        labels=run.train.class_names, metrics=result, facts=run.model.metadata)
    return result


_PROTOCOLS = {'svm': _svm, 'probe': _probe, 'finetune': _finetune, 'few-shot': _few_shot}
