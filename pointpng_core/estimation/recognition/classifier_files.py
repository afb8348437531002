"""Classifiers as checkpoints: the weights of an encoder and of a head, and the labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from pointpng_core.embedding.model_zoo import (
    HEAD,
    check_weights,
    labels_of,
    network_from_checkpoint,
)
from pointpng_core.embedding.networks.classification_heads import ClassifierHead, LinearProbe
from pointpng_core.embedding.networks.factory import Network
from pointpng_core.errors import FileError
from pointpng_core.io.checkpoints import read_checkpoint, write_checkpoint
from pointpng_core.text import shown

HEADS: dict[str, type[LinearProbe] | type[ClassifierHead]] = {
    'linear_probe': LinearProbe, 'classifier': ClassifierHead}


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredClassifier:
    """A network, and a head that maps its features to logits of the labels."""

    network: Network
    head: nn.Module
    labels: tuple[str, ...]


def save_classifier(folder: Path, *, network: Network, head: nn.Module, labels: Sequence[str],
                    metrics: dict[str, Any], facts: dict[str, Any] | None = None) -> None:
    """Write a checkpoint of the network with the head in addition; raises FileError.

    `facts` are those of the network's own checkpoint about its training; they are kept.
    """
    kind = next(name for name, cls in HEADS.items() if isinstance(head, cls))
    tensors = {**network.state_dict(),
               **{HEAD + name: tensor for name, tensor in head.state_dict().items()}}
    write_checkpoint(folder, tensors=tensors, config={
        **(facts or {}), 'stage': 'classifier', 'model': network.config.to_mapping(),
        'labels': list(labels),
        'head': {'kind': kind, 'features': network.feature_size, 'classes': len(labels)},
        'metrics': {**(facts or {}).get('metrics', {}), 'classifier': metrics}})


def load_classifier(folder: Path) -> StoredClassifier:
    """Read what `save_classifier` wrote, ready to be used; raises FileError."""
    checkpoint = read_checkpoint(folder)
    described = checkpoint.config.get('head')
    kind = described.get('kind') if isinstance(described, dict) else None
    if not isinstance(kind, str) or kind not in HEADS:
        raise FileError(f'{folder}: head = {shown(described)}: the checkpoint holds no '
                        'classifier that is known here; make one by '
                        '`pointpng evaluate classification --save`')
    network, labels = network_from_checkpoint(checkpoint), labels_of(checkpoint)
    expected = {'kind': kind, 'features': network.feature_size, 'classes': len(labels)}
    if described != expected or not labels:
        raise FileError(f'{folder}: head = {shown(described)} does not fit the network and the '
                        f'{len(labels)} labels, which need {shown(expected)}')
    head = HEADS[kind](features=network.feature_size, classes=len(labels))
    weights = {name.removeprefix(HEAD): tensor for name, tensor in checkpoint.tensors.items()
               if name.startswith(HEAD)}
    check_weights(checkpoint, weights, head.state_dict())
    head.load_state_dict(weights)
    return StoredClassifier(network=network.eval(), head=head.eval(), labels=labels)
