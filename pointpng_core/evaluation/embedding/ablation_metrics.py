"""What a small model is judged by in an ablation, on objects held out from its training."""

from collections.abc import Sequence
from typing import Any

import torch

from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.evaluation.embedding.labelled_objects import LabelledObjects
from pointpng_core.evaluation.embedding.svm import svm_accuracy
from pointpng_core.training.data import ObjectSet
from pointpng_core.training.embedding_metrics import (
    JITTER,
    joined,
    pair_cosines,
    pose_errors_deg,
    rotated_pairs,
    spread,
)
from pointpng_core.training.point_samples import cloud_points, in_batches

SVM_OBJECTS = 2000
"""Training objects of the SVM at most, so that a cell is measured in seconds."""


def cell_metrics(model: EmbeddingModel, training: Sequence[ObjectSet],
                 validation: Sequence[ObjectSet], *, seed: int, device: str = 'cpu'
                 ) -> dict[str, Any]:
    """Return PA, AE, accuracy and pose error of a model on the validation objects.

    {"pa", "ae", "cosine_baseline", "pairs", "pose_median_deg", "pose_15deg" (the share below 15
    degrees), "svm_accuracy" (upright, of the first set with labels; None without)}.
    """
    generator = torch.Generator().manual_seed(seed)
    count = cloud_points(model.encoder)
    pairs = [rotated_pairs(objects.points, count, jitter=JITTER, generator=generator)
             for objects in validation if len(objects.points)]
    errors = torch.cat([pose_errors_deg(model, part, device=device) for part in pairs])
    cosines = joined([pair_cosines(model, part, device=device) for part in pairs])
    return {**cosines.summary(), 'pose_median_deg': errors.median().item(),
            'pose_15deg': (errors < 15.0).double().mean().item(),
            'svm_accuracy': _accuracy(model, training, validation, seed=seed, device=device)}


def _accuracy(model: EmbeddingModel, training: Sequence[ObjectSet],
              validation: Sequence[ObjectSet], *, seed: int, device: str) -> float | None:
    count = cloud_points(model.encoder)
    labelled = [(train, test) for train, test in zip(training, validation)
                if len(test.points) and (train.labels >= 0).any() and (test.labels >= 0).any()]
    if not labelled:
        return None
    features, labels = [], []
    for objects in labelled[0]:
        part = LabelledObjects.of([objects], split='training')
        part = part.take(spread(torch.arange(len(part)), SVM_OBJECTS))
        clouds = part.clouds(count, 'none', generator=torch.Generator())
        features.append(in_batches(model.encoder.features, list(clouds), device=device))
        labels.append(part.labels.numpy())
    train, test = (rows.double().numpy() for rows in features)
    result = svm_accuracy(train, labels[0], test, labels[1], seed=seed)
    return float(result['accuracy'])
