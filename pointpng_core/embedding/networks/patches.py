"""A cloud as overlapping patches: farthest-point centres and their nearest points."""

import torch
from torch import Tensor

from pointpng_core.geometry.clouds import farthest_points, knn


@torch.no_grad()
def group_patches(clouds: Tensor, count: int, size: int) -> tuple[Tensor, Tensor]:
    """Return patches (B, G, K, 3) about their centres, and the centres (B, G, 3).

    clouds (B, N, 3); a turned cloud gives the same patches, turned.
    """
    rows = torch.arange(len(clouds), device=clouds.device)[:, None]
    centres = clouds[rows, farthest_points(clouds, count)]  # (B, G, 3)
    _, nearest = knn(centres, clouds, size)  # (B, G, K)
    patches = clouds[rows[..., None], nearest]  # (B, G, K, 3)
    return patches - centres[:, :, None], centres
