"""Models by name: the training-free one, those that ship with the package, and trained ones.

An encoder and its predictor are used as follows:

    model = load_model('runs/mine')             # or 'training_free', 'small', a checkpoint
    z = model.encoder.encode(clouds)            # (B, d)
    z_rotated = model.cope.apply(R, z)          # predicts z of the clouds rotated by R
"""

from dataclasses import dataclass, field
import difflib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.devices import torch_device
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.embedding.protocols import Cope, Encoder
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.checkpoints import (
    CHECKPOINTS,
    MODEL,
    Checkpoint,
    is_checkpoint,
    latest_checkpoint,
    read_checkpoint,
)
from pointpng_core.text import printable, shown

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from pointpng_core.embedding.networks.factory import Network

HEAD = 'head.'
"""Prefix of the names of tensors that belong to a classification head, not to the network."""
TRAINING_FREE = 'training_free'
LARGEST_WEIGHT = 1e6
"""The shipped models have none above 3.1; with 1e31, some clouds have no embedding."""
PROBE_POINTS = 64
"""Points of the clouds that a loaded model is tried with, where it takes any number."""
WEIGHTS = Path(__file__).resolve().parents[1] / 'weights'
"""Contains the checkpoints that ship with the package, in folders named after the models."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddingModel:
    """An encoder and its predictor (COPE), on one device, ready for inference."""

    name: str
    """The name or folder that it was loaded by."""
    encoder: Encoder
    """Maps clouds (B, N, 3), centred, in object diameters, to embeddings z (B, d)."""
    cope: Cope
    """Predicts the embeddings of rotated clouds from z."""
    labels: tuple[str, ...] = ()
    """Class names of the classification head, if the model has one."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """The configuration stored in the checkpoint: data, recipe, metrics."""


def load_model(name: str | Path = TRAINING_FREE, device: str | torch.device = 'cpu'
               ) -> EmbeddingModel:
    """Return a model by name, or from the folder of a checkpoint or of a training run.

    A run gives its final model if it has one, else its newest intact checkpoint. The name of a
    shipped model has precedence over a folder: write './NAME' for the folder. Raises ConfigError
    for an unknown name or device, FileError for a folder that cannot be used.
    """
    device = torch_device(str(device))
    if str(name) == TRAINING_FREE:
        encoder = HarmonicEncoder()
        return EmbeddingModel(name=TRAINING_FREE, encoder=encoder,
                              cope=WignerCope(encoder.multiplicities))
    checkpoint = read_checkpoint(model_folder(name))
    return _learned(str(name), checkpoint, device)


def shipped_models() -> tuple[str, ...]:
    """Return the names of the models that need no path."""
    folders = WEIGHTS.iterdir() if WEIGHTS.is_dir() else ()
    return (TRAINING_FREE, *sorted(path.name for path in folders if is_checkpoint(path)))


def model_folder(name: str | Path) -> Path:
    """Return the checkpoint folder of a shipped model's name or of a path.

    Raises ConfigError for an unknown name, FileError for a folder without a checkpoint.
    """
    if str(name) == TRAINING_FREE:
        raise ConfigError(f'model {name}: it has no weights; give the folder of a checkpoint or '
                          'of a training run')
    if str(name) in shipped_models():
        return WEIGHTS / str(name)
    folder = Path(os.path.expanduser(name))
    # `os.path` returns False where pathlib raises, for example for a name that is too long.
    if os.path.isfile(folder):
        raise FileError(f'model {name}: give the folder of the checkpoint, not one of its files')
    if not str(name) or not os.path.isdir(folder):
        raise _unknown(str(name))
    if is_checkpoint(folder):
        return folder
    if is_checkpoint(folder / MODEL):
        return folder / MODEL
    problems: list[str] = []
    newest = latest_checkpoint(folder, problems.append)
    if newest is None:
        raise FileError(f'model {name}: the folder holds neither a checkpoint (model.safetensors, '
                        'config.json, SHA256SUMS) nor a run with an intact one in '
                        + '; '.join([f'{CHECKPOINTS}/', *problems]))
    for problem in (f'the training run {name} is not finished: it has no {MODEL}/ yet; its newest '
                    f'intact checkpoint, {newest.name}, is used', *problems):
        logger.warning('%s', printable(problem))
    return newest


def network_from_checkpoint(checkpoint: Checkpoint) -> 'Network':
    """Return the network of a checkpoint on the CPU, without a classification head.

    Raises FileError when the weights are not those of the configured network.
    """
    # Networks take a second to import; the training-free model does not need them.
    from pointpng_core.embedding.networks.config import ModelConfig
    from pointpng_core.embedding.networks.factory import make_network

    where = checkpoint.path / 'config.json'
    mapping = checkpoint.config.get('model')
    if not isinstance(mapping, dict):
        raise FileError(f'{where}: model = {shown(mapping)}: expected a mapping of the values of '
                        'ModelConfig')
    try:
        config = ModelConfig.from_mapping(mapping)
        with torch.device('meta'):       # without memory: the configuration may ask for any size
            expected = make_network(config).state_dict()
    except ConfigError as error:
        raise FileError(f'{where}: {error}') from error
    weights = {name: tensor for name, tensor in checkpoint.tensors.items()
               if not name.startswith(HEAD)}
    check_weights(checkpoint, weights, expected)
    network = make_network(config)
    network.load_state_dict(weights)
    return network


def _learned(name: str, checkpoint: Checkpoint, device: torch.device) -> EmbeddingModel:
    from pointpng_core.embedding.encoders.learned import encoder_of

    network = network_from_checkpoint(checkpoint).to(device).requires_grad_(False)
    encoder = encoder_of(network)
    _check_answer(checkpoint, encoder, device)
    return EmbeddingModel(name=name, encoder=encoder, cope=network.cope,
                          labels=labels_of(checkpoint), metadata=checkpoint.config)


def _check_answer(checkpoint: Checkpoint, encoder: Encoder, device: torch.device) -> None:
    """Raise FileError where two different clouds have no embeddings of length 1, or the same."""
    shape = (2, max(encoder.points, PROBE_POINTS), 3)
    clouds = torch.randn(shape, generator=torch.Generator().manual_seed(0)).clamp(-1, 1) / 3
    clouds[1, :, 2] *= 0.1
    z = encoder.encode(clouds.to(device))
    lengths = torch.linalg.vector_norm(z, dim=1)
    if not ((lengths - 1).abs() < 0.01).all() or torch.equal(z[0], z[1]):
        raise FileError(f'{checkpoint.path}: its weights give no embeddings: their numbers are '
                        'out of range; use another checkpoint')


def labels_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the class names of a checkpoint; raises FileError where they are no list of names."""
    labels = checkpoint.config.get('labels', [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise FileError(f'{checkpoint.path / "config.json"}: labels = {shown(labels)}: expected a '
                        'list of names')
    return tuple(labels)


def _unknown(name: str) -> ConfigError:
    known = shipped_models()
    near = difflib.get_close_matches(name, known, n=1)
    hint = f'did you mean {near[0]!r}? ' if near else ''
    return ConfigError(f'model {shown(name)} is neither one that ships with pointpng_ros '
                       f'({", ".join(known)}) nor a folder: {hint}give one of these names, or the '
                       'folder of a checkpoint or of a training run')


def check_weights(checkpoint: Checkpoint, given: dict[str, Tensor],
                  expected: dict[str, Tensor]) -> None:
    """Raise FileError for weights whose names, shapes, types or sizes cannot be right."""
    problems = [f'{name} is missing' for name in expected.keys() - given.keys()]
    problems += [f'{name} is unknown' for name in given.keys() - expected.keys()]
    problems += [f'{name} has shape {tuple(given[name].shape)} instead of '
                 f'{tuple(expected[name].shape)}' for name in expected.keys() & given.keys()
                 if given[name].shape != expected[name].shape]
    problems += [f'{name} holds numbers beyond {LARGEST_WEIGHT:g}'
                 for name, tensor in given.items()
                 if tensor.is_floating_point() and not (tensor.abs() <= LARGEST_WEIGHT).all()]
    problems += [f'{name} has the type {given[name].dtype} instead of {expected[name].dtype}'
                 for name in expected.keys() & given.keys()
                 if given[name].dtype != expected[name].dtype]
    if problems:
        stage = checkpoint.config.get('stage')
        more = f' (and {len(problems) - 1} more)' if len(problems) > 1 else ''
        raise FileError(f'{checkpoint.path}: the weights (stage {shown(stage)}) are not those of '
                        f'the configured Point-PNG network: {min(problems)}{more}')
