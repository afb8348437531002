"""Trained networks as encoders, interchangeable with the training-free one."""

from collections.abc import Callable
from functools import cached_property
import hashlib
import json

import torch
from torch import Tensor

from pointpng_core.embedding.networks.factory import Network
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.io.checkpoints import weights_sha256

BATCH = 64
"""Clouds per forward pass, which bounds the memory."""


def network_key(kind: str, network: Network) -> str:
    """Return a key of a network's configuration and weights, by their SHA-256."""
    config = json.dumps(network.config.to_mapping(), sort_keys=True).encode()
    return (f'{kind}_{hashlib.sha256(config).hexdigest()[:16]}_'
            f'{weights_sha256(network.state_dict())}')


class TransformerEncoder:
    """Embeddings of a trained Point-PNG transformer; implements `Encoder`.

    The network is put into evaluation mode. `key` is computed when it is first read, from the
    weights of that moment. The network takes the first `points` points of a cloud; the points of a
    smaller cloud are repeated, as those of small objects are in training.
    """

    def __init__(self, network: PointPng) -> None:
        self.network = network.eval()
        self.points = network.config.points
        self.dim = network.config.embedding_dim

    @cached_property
    def key(self) -> str:
        """Return a key that identifies configuration and weights."""
        return network_key('point_png-1', self.network)

    def encode(self, clouds: Tensor) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        return self._run(self.network, clouds)

    def encode_at(self, clouds: Tensor, diameters: Tensor) -> Tensor:
        """Return (R, B, d): clouds (B, N, 3), centred, in units of each of the diameters (R,)."""
        scaled = clouds[None, :, :self.points] / diameters[:, None, None, None]  # (R, B, N, 3)
        return self.encode(scaled.flatten(0, 1)).unflatten(0, scaled.shape[:2])

    def features(self, clouds: Tensor) -> Tensor:
        """Return [max | mean] of the tokens (B, F) of clouds (B, N, 3), as `encode` takes them."""
        return self._run(self.network.features, clouds)

    # Not inference_mode: probes are trained on the features, which inference tensors do not allow.
    @torch.no_grad()
    def _run(self, function: Callable[[Tensor], Tensor], clouds: Tensor) -> Tensor:
        rows = torch.arange(self.points, device=clouds.device) % clouds.shape[1]
        return torch.cat([function(part[:, rows]) for part in clouds.split(BATCH)])


class SteerableEncoder:
    """Exactly equivariant embeddings of a trained steerable network; implements `Encoder`.

    Tokens are computed from the first points of a cloud, once for all diameters; the read-out uses
    all points, as the training-free encoder does.
    """

    points = 0

    def __init__(self, network: SteerablePng) -> None:
        self.network = network.eval()
        self.dim = network.config.embedding_dim

    @cached_property
    def key(self) -> str:
        """Return a key that identifies configuration and weights."""
        return network_key('steerable-1', self.network)

    def encode(self, clouds: Tensor) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        return self.encode_at(clouds, clouds.new_ones(1))[0]

    @torch.no_grad()
    def encode_at(self, clouds: Tensor, diameters: Tensor) -> Tensor:
        """Return (R, B, d): clouds (B, N, 3), centred, in units of each of the diameters (R,)."""
        return torch.cat([self.network.predict(part, diameters).z for part in clouds.split(BATCH)],
                         dim=1)

    @torch.no_grad()
    def features(self, clouds: Tensor) -> Tensor:
        """Return rotation-invariant features (B, F): norms by degree and copy, pooled tokens."""
        return torch.cat([self.network.features(part) for part in clouds.split(BATCH)])


def encoder_of(network: Network) -> TransformerEncoder | SteerableEncoder:
    """Return the encoder that runs a network."""
    if isinstance(network, SteerablePng):
        return SteerableEncoder(network)
    return TransformerEncoder(network)
