"""A trained Point-PNG network as an encoder, in the place of the training-free one."""

from collections.abc import Callable
from functools import cached_property
import hashlib
import json

import torch
from torch import Tensor

from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.io.checkpoints.tensors import weights_sha256

BATCH = 64
"""Clouds that go through the network at once; it bounds the memory."""


def network_key(kind: str, network: PointPng | SteerablePng) -> str:
    """Return what names a network's weights and configuration."""
    config = json.dumps(network.config.to_mapping(), sort_keys=True).encode()
    return (f'{kind}_{hashlib.sha256(config).hexdigest()[:16]}_'
            f'{weights_sha256(network.state_dict())}')


class LearnedEncoder:
    """Embeddings of a trained network; implements `Encoder`.

    The network is put into evaluation mode. `key` names the weights that it has when it is first
    asked for, by their SHA-256, and the configuration that they are used with. Of a cloud, the
    network sees the first `points` points; a smaller one is repeated to that many, as small
    objects are in training.
    """

    def __init__(self, network: PointPng) -> None:
        self.network = network.eval()
        self.points = network.config.points
        self.dim = network.config.embedding_dim

    @cached_property
    def key(self) -> str:
        """Names weights and configuration."""
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

    # Not inference_mode: probes are trained on what comes out, which inference tensors refuse.
    @torch.no_grad()
    def _run(self, function: Callable[[Tensor], Tensor], clouds: Tensor) -> Tensor:
        rows = torch.arange(self.points, device=clouds.device) % clouds.shape[1]
        return torch.cat([function(part[:, rows]) for part in clouds.split(BATCH)])
