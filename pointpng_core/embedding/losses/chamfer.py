"""Chamfer distance between small sets of points."""

import torch
from torch import Tensor


def chamfer_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Return the mean Chamfer-L2 distance of point sets (..., K, 3) and (..., J, 3).

    Mean squared distance to the nearest point, both ways, summed (Point-MAE, equation 6).
    """
    gaps = torch.cdist(predicted.float(), true.float(),
                       compute_mode='donot_use_mm_for_euclid_dist').square()
    return gaps.amin(dim=-1).mean() + gaps.amin(dim=-2).mean()
