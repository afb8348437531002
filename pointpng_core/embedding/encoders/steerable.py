"""A trained steerable network as an encoder."""

from functools import cached_property

import torch
from torch import Tensor

from pointpng_core.embedding.encoders.network import BATCH, network_key
from pointpng_core.embedding.networks.steerable import SteerablePng


class SteerableEncoder:
    """Embeddings that turn exactly; implements `Encoder`.

    Its tokens see the first points of a cloud, the read-out all of them, as the training-free
    encoder does, and tokens are computed once for all diameters.
    """

    points = 0

    def __init__(self, network: SteerablePng) -> None:
        self.network = network.eval()
        self.dim = network.config.embedding_dim

    @cached_property
    def key(self) -> str:
        """Names weights and configuration."""
        return network_key('steerable-1', self.network)

    def encode(self, clouds: Tensor) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        return self.encode_at(clouds, clouds.new_ones(1))[0]

    @torch.no_grad()
    def encode_at(self, clouds: Tensor, diameters: Tensor) -> Tensor:
        """Return (R, B, d): clouds (B, N, 3), centred, in units of each of the diameters (R,)."""
        return torch.cat([self.network.read(part, diameters).z for part in clouds.split(BATCH)],
                         dim=1)

    @torch.no_grad()
    def features(self, clouds: Tensor) -> Tensor:
        """Return norms by degree and copy and the pooled tokens, which no turn changes, (B, F)."""
        return torch.cat([self.network.features(part) for part in clouds.split(BATCH)])
