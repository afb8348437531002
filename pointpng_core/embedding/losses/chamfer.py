"""The Chamfer distance, the reconstruction loss of masked autoencoding."""

import torch
from torch import Tensor


def chamfer_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Return the mean Chamfer-L2 distance of point sets (..., K, 3) and (..., J, 3).

    The mean squared distances to the nearest point are summed over both directions (Point-MAE,
    arXiv 2203.06604, equation 6).
    """
    distances = torch.cdist(predicted.float(), true.float(),
                            compute_mode='donot_use_mm_for_euclid_dist').square()
    return distances.amin(dim=-1).mean() + distances.amin(dim=-2).mean()
