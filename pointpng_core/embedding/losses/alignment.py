"""The prediction should meet the embedding of the turned cloud."""

from torch import Tensor


def align_loss(anchor: Tensor, z_target: Tensor, *, tau: float) -> Tensor:
    """Return the mean of |a - z+|^2 / tau for anchors and targets (..., d)."""
    return (anchor.float() - z_target.float()).square().sum(-1).mean() / tau
