"""Search of single views among the rendered views of references.

Both are embedded in their own view frame, z towards the camera: a view fixes the direction to the
camera, so that only the in-plane rotation is left, a circle instead of all of SO(3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from typing import Any

import roma
import torch
from torch import Tensor

from pointpng_core.embedding.protocols import Cope
from pointpng_core.estimation.search.non_maximum_suppression import non_maximum_suppression
from pointpng_core.geometry.so3 import in_plane_angles
from pointpng_core.reference.view_bank import ViewBank

CANDIDATES = 128
"""Best pairs of view and in-plane rotation of a reference, before non-maximum suppression."""


@dataclass(frozen=True, kw_only=True)
class ViewMatches:
    """The `count` best rotations of each of R references for each of T targets, best first."""

    R_target_reference: Tensor
    """(T, R, count, 3, 3)"""
    centroids: Tensor
    """(T, R, count, 3) visible centroid of the matched view, in the reference's frame."""
    scores: Tensor
    """(T, R, count)"""


def search_views(cope: Cope, banks: Sequence[ViewBank], in_plane_banks: Sequence[Any],
                 z_target: Tensor, R_view_target: Tensor, *, count: int, apart_rad: float,
                 in_plane_rotations: int) -> ViewMatches:
    """Match targets against all views of all references under all in-plane rotations.

    `in_plane_banks` contain what the COPE precomputed for the embeddings of each reference's views
    at the angles `in_plane_angles(in_plane_rotations)`. z_target (R, T, d): the targets in the
    unit of each reference, in their view frames R_view_target (T, 3, 3). Rotations of one match
    lie at least `apart_rad` apart.
    """
    R_in_plane = _in_plane_matrices(in_plane_rotations, z_target.dtype, z_target.device)
    found = [_best_pairs(cope, bank, z, in_plane_rotations)
             for bank, z in zip(in_plane_banks, z_target)]
    scores, views, in_plane = (torch.stack(parts, dim=1) for parts in zip(*found))  # (T, R, K)
    R_view = torch.stack([bank.R_view_reference[view]
                          for bank, view in zip(banks, views.unbind(1))], dim=1)
    R = R_view_target.transpose(1, 2)[:, None, None] @ R_in_plane[in_plane] @ R_view
    index = non_maximum_suppression(R.flatten(0, 1), scores.flatten(0, 1), count, apart_rad)
    index = index.unflatten(0, scores.shape[:2])  # (T, R, count)
    chosen = views.gather(2, index)
    centroids = torch.stack([bank.centroids[view]
                             for bank, view in zip(banks, chosen.unbind(1))], dim=1)
    return ViewMatches(
        R_target_reference=R.gather(2, index[..., None, None].expand(-1, -1, -1, 3, 3)),
        centroids=centroids, scores=scores.gather(2, index))


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # autograd may need the result later
def _in_plane_matrices(in_plane_rotations: int, dtype: torch.dtype, device: torch.device
                       ) -> Tensor:
    """Return the rotations (in_plane_rotations, 3, 3) about z by the `in_plane_angles`."""
    angles = in_plane_angles(in_plane_rotations).to(device, dtype)
    return roma.rotvec_to_rotmat(torch.stack((0 * angles, 0 * angles, angles), dim=-1))


def _best_pairs(cope: Cope, in_plane_bank: Any, z_target: Tensor, in_plane_rotations: int
                ) -> tuple[Tensor, Tensor, Tensor]:
    """Return scores, view and in-plane rotation (T, K) of the best pairs for targets (T, d)."""
    scores = cope.in_plane_scores(in_plane_bank, z_target)  # (T, V, A)
    best, views = _best_rows(scores, CANDIDATES)
    # Of the angles, in turn, those groups that have the best; all of this is exact.
    size = next(d for d in range(isqrt(in_plane_rotations), 0, -1) if in_plane_rotations % d == 0)
    best, groups = _best_rows(best.unflatten(2, (-1, size)).flatten(1, 2), CANDIDATES)
    scores, flat = best.flatten(1).topk(min(CANDIDATES, best[0].numel()), dim=1)
    groups = groups.gather(1, flat // size)
    per_view = in_plane_rotations // size
    return (scores, views.gather(1, groups // per_view),
            groups % per_view * size + flat % size)


def _best_rows(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the rows (T, K, A) of scores (T, V, A) with the largest maxima, and which (T, K).

    The `count` largest scores are among those of the `count` rows with the largest maxima. To look
    for these first takes a fraction of the time of `topk` of all.
    """
    rows = scores.amax(dim=2).topk(min(count, scores.shape[1]), dim=1, sorted=False).indices
    return scores.gather(1, rows[..., None].expand(-1, -1, scores.shape[2])), rows
