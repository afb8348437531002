"""Non-maximum suppression on SO(3), and gradient ascent of the peaks that are left."""

import math

import torch
from torch import Tensor

from pointpng_core.embedding.protocols import Cope


def non_maximum_suppression(R: Tensor, scores: Tensor, count: int, apart_rad: float) -> Tensor:
    """Return indices (B, count) of the best rotations (B, K, 3, 3) that lie apart, best first.

    Greedy: the best of scores (B, K) is taken and everything nearer than `apart_rad` to it is
    dropped. Where fewer than `count` remain, the best one is repeated.
    """
    # trace(A^T B) = 1 + 2 cos(angle)
    limit = 1.0 + 2.0 * math.cos(apart_rad)
    flat = R.flatten(-2)
    near = (flat @ flat.transpose(-1, -2) > limit).flatten(0, 1)  # (B * K, K)
    left = scores.clone()
    rows = scores.shape[1] * torch.arange(len(scores), device=scores.device)
    picks: list[tuple[Tensor, Tensor]] = []
    for _ in range(count):
        value, index = left.max(dim=1)
        picks.append((value, index))
        left.masked_fill_(near.index_select(0, rows + index), -torch.inf)
    values, chosen = (torch.stack(column, dim=1) for column in zip(*picks))
    return torch.where(values > -torch.inf, chosen, chosen[:, :1])


def apart(R: Tensor, scores: Tensor, *, count: int, apart_rad: float) -> tuple[Tensor, Tensor]:
    """Return the rotations (B, count, 3, 3) left of R (B, K, 3, 3), and their scores.

    By `non_maximum_suppression`, best first.
    """
    index = non_maximum_suppression(R, scores, count, apart_rad)
    return R.gather(1, index[..., None, None].expand(-1, -1, 3, 3)), scores.gather(1, index)


def climbed(cope: Cope, R: Tensor, z_source: Tensor, z_target: Tensor, steps: int
            ) -> tuple[Tensor, Tensor]:
    """Return rotations (B, K, 3, 3) after `steps` of the COPE, and their scores, best first."""
    R, scores = cope.refine(R, z_source, z_target, steps)
    scores, order = scores.sort(dim=1, descending=True)
    return R.gather(1, order[..., None, None].expand_as(R)), scores
