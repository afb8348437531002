"""Classifier heads: a linear probe on frozen features, and fine-tuning of the whole encoder."""

from collections.abc import Callable, Iterator
import copy
from dataclasses import dataclass
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pointpng_core.config import Config, option
from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.embedding.networks.classification_heads import ClassifierHead, LinearProbe
from pointpng_core.embedding.networks.factory import Network
from pointpng_core.errors import ConfigError
from pointpng_core.evaluation.embedding.labelled_objects import LabelledObjects
from pointpng_core.evaluation.embedding.svm import accuracies
from pointpng_core.training.point_samples import in_batches


@dataclass(frozen=True, kw_only=True)
class HeadConfig(Config):
    """AdamW with a cosine schedule; epochs and rate differ between probe and fine-tuning."""

    epochs: int = option(10, help='Passes over the training split.', low=1, high=10000)
    batch: int = option(32, help='Clouds of a step.', low=2, high=65536)
    lr: float = option(5e-4, help='Highest learning rate.', low=1e-8, high=10.0)
    weight_decay: float = option(0.05, help='Weight decay.', low=0.0, high=10.0)
    smoothing: float = option(0.2, help='Label smoothing, as in Point-MAE.', low=0.0, high=0.99)


PROBE = HeadConfig(epochs=100, batch=256, lr=3e-3, weight_decay=1e-2, smoothing=0.0)
FINE_TUNING = HeadConfig()


def probe_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, *,
                   config: HeadConfig = PROBE, seed: int = 0
                   ) -> tuple[LinearProbe, dict[str, Any]]:
    """Train a linear layer on features (K, F); return it with {"accuracy", "class_accuracy"}."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        probe = LinearProbe(features=train.shape[1], classes=int(train_labels.max()) + 1)
        _fit(probe, lambda rows: train[rows], train_labels, config,
             generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        predicted = probe(test).argmax(dim=1)
    return probe, accuracies(predicted.numpy(), test_labels.numpy())


class Classifier(nn.Module):
    """An encoder and a head on its features."""

    def __init__(self, *, network: Network, classes: int) -> None:
        super().__init__()
        self.network = network
        self.head = ClassifierHead(features=network.feature_size, classes=classes)

    def forward(self, clouds: Tensor) -> Tensor:
        """Return logits (B, classes) of clouds (B, N, 3), centred, in object diameters."""
        logits: Tensor = self.head(self.network.features(clouds))
        return logits


def fine_tune(network: Network, train: LabelledObjects, *, points: int, rotation: str,
              config: HeadConfig = FINE_TUNING, seed: int = 0, device: str = 'cpu',
              report: Callable[[str], None] = lambda line: None) -> Classifier:
    """Return a trained classifier; the network that was given stays as it is.

    In each step every cloud gets another rotation, of the kind `rotation`: see
    `training.point_samples.random_rotation_matrices`.
    """
    generator = torch.Generator().manual_seed(seed)

    def clouds(rows: Tensor) -> Tensor:
        return train.take(rows).clouds(points, rotation, generator=generator).to(device)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = copy.deepcopy(network).requires_grad_(True)
        model = Classifier(network=network, classes=len(train.class_names)).to(device)
        _fit(model, clouds, train.labels, config, generator=generator, report=report)
    return model


def classify(model: Classifier, clouds: Tensor, *, device: str = 'cpu') -> Tensor:
    """Return the classes (K,) of clouds (K, N, 3)."""
    return in_batches(model, list(clouds), device=device).argmax(dim=1)


def network_of(model: EmbeddingModel) -> Network:
    """Return the network of a learned model; raises ConfigError for one without."""
    network = getattr(model.encoder, 'network', None)
    if not isinstance(network, Network):
        raise ConfigError(f'model {model.name!r} has nothing to fine-tune: choose the protocols '
                          'svm, probe or few-shot, or a learned model')
    return network


def _fit(model: nn.Module, inputs: Callable[[Tensor], Tensor], labels: Tensor, config: HeadConfig,
         *, generator: torch.Generator, report: Callable[[str], None] = lambda line: None) -> None:
    """Minimise the cross entropy of model(inputs(rows)), and leave the model in eval mode."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=config.lr, weight_decay=config.weight_decay)
    total = config.epochs * max(1, math.ceil(len(labels) / config.batch))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total)
    model.train()
    for epoch in range(config.epochs):
        losses = []
        for rows in _batches(len(labels), config.batch, generator):
            logits = model(inputs(rows))
            loss = cross_entropy(logits, labels[rows].to(logits.device),
                                 label_smoothing=config.smoothing)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 10.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        report(f'epoch {epoch + 1} of {config.epochs}: loss {sum(losses) / len(losses):.3f}')
    model.eval()


def _batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the rows of one epoch in random order, without a last batch of a single row.

    One row has no batch statistics.
    """
    for rows in torch.randperm(count, generator=generator).split(size):
        if len(rows) > 1:
            yield rows
