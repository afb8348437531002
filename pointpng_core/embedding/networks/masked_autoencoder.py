"""Masked autoencoding: masked patches are predicted from the tokens of the visible ones.

It initialises the encoder of Point-PNG, as in Point-MAE (arXiv 2203.06604).
"""

import torch
from torch import Tensor, nn

from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.patches import (
    Mask,
    position_network,
    random_mask,
    take,
)
from pointpng_core.embedding.networks.transformer import PointTransformer, Transformer


class MaskedDecoder(nn.Module):
    """Predicts the points of masked patches from visible tokens and all patch centres."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        self.mask_token = nn.Parameter(0.02 * torch.randn(config.width))
        self.positions = position_network(config.width)
        self.transformer = Transformer(width=config.width, heads=config.heads,
                                       depth=config.decoder_depth)
        self.points = nn.Linear(config.width, 3 * config.patch_size)

    def forward(self, visible: Tensor, centres: Tensor, mask: Mask) -> Tensor:
        """Return masked patches (B, H, K, 3) about their centres.

        visible (B, S, C) are the encoder's tokens, centres (B, G, 3) those of all patches.
        """
        masked = self.mask_token.to(visible.dtype).expand(*mask.masked.shape, -1)
        order = torch.cat((mask.visible, mask.masked), dim=1)
        tokens = self.transformer(torch.cat((visible, masked), dim=1),
                                  self.positions(take(centres, order)))
        points: Tensor = self.points(tokens[:, visible.shape[1]:])  # (B, H, 3 K)
        return points.unflatten(-1, (self.patch_size, 3))


class MaskedAutoencoder(nn.Module):
    """Encoder and decoder of the first stage of training; only the encoder is kept."""

    def __init__(self, encoder: PointTransformer) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, MaskedDecoder(encoder.config)

    def forward(self, clouds: Tensor, *, mask_ratio: float,
                generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return predicted and true masked patches (B, H, K, 3) of clouds (B, N, 3)."""
        patches, centres = self.encoder.group(clouds)
        mask = random_mask((len(clouds), patches.shape[1]), mask_ratio, generator=generator,
                           device=clouds.device)
        visible = self.encoder(patches, centres, mask)
        return self.decoder(visible, centres, mask), take(patches, mask.masked)


def chamfer_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Return the mean Chamfer-L2 distance of point sets (..., K, 3) and (..., J, 3).

    The mean squared distances to the nearest point are summed over both directions (Point-MAE,
    arXiv 2203.06604, equation 6).
    """
    distances = torch.cdist(predicted.float(), true.float(),
                            compute_mode='donot_use_mm_for_euclid_dist').square()
    return distances.amin(dim=-1).mean() + distances.amin(dim=-2).mean()
