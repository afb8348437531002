"""The steerable network: invariant tokens, the equivariant read-out, centre and visibility."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pointpng_core.embedding.cope.wigner import WignerCope
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.steerable.invariants import PatchGeometry, patch_geometry
from pointpng_core.embedding.networks.steerable.readout import SteerableReadout
from pointpng_core.embedding.networks.steerable.transformer import RelativeTransformer
from pointpng_core.embedding.networks.transformer import pooled
from pointpng_core.embedding.shells import HarmonicConfig


@dataclass(frozen=True, kw_only=True)
class SteerableOutput:
    """Output of the network for B clouds, with embeddings in R units each."""

    z: Tensor
    """(R, B, d) unit embeddings."""
    centre: Tensor
    """(B, 3) from the cloud's centroid to the centre of the object, in the clouds' unit."""
    visible: Tensor
    """(B,) logit of the visible share of the object's surface."""
    tokens: Tensor
    """(B, G, C) invariant."""


class SteerablePng(nn.Module):
    """Network from clouds to exactly equivariant unit embeddings; `cope` predicts rotations."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.harmonics = HarmonicConfig(degree_max=config.degree_max, shells=config.copies)
        self.transformer = RelativeTransformer(width=config.width, heads=config.heads,
                                               depth=config.depth)
        self.readout = SteerableReadout(width=config.width, harmonics=self.harmonics)
        # The names of the two heads, of the centre and of visibility, are those of stored weights.
        self.towards = nn.Linear(config.width, 2)
        self.seen = nn.Linear(config.width, 1)
        nn.init.zeros_(self.towards.weight)
        nn.init.zeros_(self.towards.bias)
        self.cope = WignerCope((config.copies,) * (config.degree_max + 1))
        self.feature_size = config.copies * (config.degree_max + 1) + 2 * config.width

    def forward(self, clouds: Tensor) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        return self.predict(clouds, clouds.new_ones(1)).z[0]

    def predict(self, clouds: Tensor, diameters: Tensor) -> SteerableOutput:
        """Return the output for clouds (B, N, 3), centred, in units of each diameter (R,).

        Tokens are computed from the first `config.points` points, in units of the cloud's own
        size: they are the same for every diameter.
        """
        rows = torch.arange(self.config.points, device=clouds.device) % clouds.shape[1]
        geometry = patch_geometry(clouds[:, rows], self.config.patches, self.config.patch_size)
        tokens = self.transformer(geometry).to(clouds.dtype)
        # Equivariant vectors are kept in full precision; the tokens need not be.
        with torch.autocast(clouds.device.type, enabled=False):
            return SteerableOutput(
                z=self.readout(clouds, diameters, geometry, tokens),
                centre=self._centre(geometry, tokens),
                visible=self.seen(tokens.mean(dim=1)).squeeze(-1), tokens=tokens)

    def features(self, clouds: Tensor) -> Tensor:
        """Return invariant features (B, F): norms by degree and copy, [max | mean] of tokens."""
        output = self.predict(clouds, clouds.new_ones(1))
        norms = [block.norm(dim=-1) for block in self.cope.split(output.z[0])]
        return torch.cat((*norms, pooled(output.tokens)), dim=-1)

    def _centre(self, geometry: PatchGeometry, tokens: Tensor) -> Tensor:
        """Return (B, 3): a weighted mean of patch centres and of the patches' mean offsets."""
        weights = self.towards(tokens)  # (B, G, 2)
        vectors = torch.stack((geometry.centres, geometry.offsets.mean(dim=2)), dim=2)
        return geometry.size[:, None] * (weights[..., None] * vectors).sum(2).mean(1)
