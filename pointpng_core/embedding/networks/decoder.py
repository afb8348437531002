"""Masked autoencoding: the hidden patches are told from the tokens of the seen ones."""

import torch
from torch import Tensor, nn

from pointpng_core.embedding.networks.blocks import Transformer
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.masking import Mask, random_mask, take
from pointpng_core.embedding.networks.patch_embedding import position_network
from pointpng_core.embedding.networks.point_transformer import PointTransformer


class MaskedDecoder(nn.Module):
    """Predicts the points of hidden patches from seen tokens and all patch centres."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        self.mask_token = nn.Parameter(0.02 * torch.randn(config.width))
        self.positions = position_network(config.width)
        self.transformer = Transformer(width=config.width, heads=config.heads,
                                       depth=config.decoder_depth)
        self.points = nn.Linear(config.width, 3 * config.patch_size)

    def forward(self, seen: Tensor, centres: Tensor, mask: Mask) -> Tensor:
        """Return hidden patches (B, H, K, 3) about their centres, for centres (B, G, 3)."""
        hidden = self.mask_token.to(seen.dtype).expand(*mask.hidden.shape, -1)
        order = torch.cat((mask.seen, mask.hidden), dim=1)
        tokens = self.transformer(torch.cat((seen, hidden), dim=1),
                                  self.positions(take(centres, order)))
        points: Tensor = self.points(tokens[:, seen.shape[1]:])  # (B, H, 3 K)
        return points.unflatten(-1, (self.patch_size, 3))


class MaskedAutoencoder(nn.Module):
    """Encoder and decoder of the first stage; only the encoder is kept."""

    def __init__(self, encoder: PointTransformer) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, MaskedDecoder(encoder.config)

    def forward(self, clouds: Tensor, *, mask_ratio: float,
                generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return predicted and true hidden patches (B, H, K, 3) of clouds (B, N, 3)."""
        patches, centres = self.encoder.group(clouds)
        mask = random_mask((len(clouds), patches.shape[1]), mask_ratio, generator=generator,
                           device=clouds.device)
        seen = self.encoder(patches, centres, mask)
        return self.decoder(seen, centres, mask), take(patches, mask.hidden)
