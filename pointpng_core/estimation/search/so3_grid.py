"""Exhaustive search over SO(3): the score of every rotation of a grid."""

import torch
from torch import Tensor

from pointpng_core.embedding.protocols import Cope
from pointpng_core.estimation.search.non_maximum_suppression import apart, climbed
from pointpng_core.geometry.so3 import rotation_grid

CANDIDATES = 256
"""Best grid rotations among which peaks are sought; a peak of a grid of 3072 covers about 10."""


class RotationSearch:
    """Finds the rotations under which Theta_g z_source best meets z_target."""

    def __init__(self, cope: Cope, *, rotations: int, device: torch.device) -> None:
        self._cope = cope
        self._R = rotation_grid(rotations).to(device)  # (G, 3, 3)
        self._bank = cope.grid_bank(self._R)

    def peaks(self, z_source: Tensor, z_target: Tensor, *, count: int, apart_rad: float,
              refine_steps: int = 0) -> tuple[Tensor, Tensor]:
        """Return rotations (B, count, 3, 3) and scores (B, count), best first, for (B, d) each.

        R maps source coordinates into target coordinates. Peaks lie at least `apart_rad` apart on
        the grid and are then refined by `refine_steps` of ascent.
        """
        scores = self._cope.grid_scores(self._bank, z_source, z_target)  # (B, G)
        scores, grid = scores.topk(min(CANDIDATES, scores.shape[1]), dim=1)
        candidates = self._R[grid]  # (B, K, 3, 3)
        R, scores = apart(candidates, scores, count=count, apart_rad=apart_rad)
        if not refine_steps:
            return R, scores
        return climbed(self._cope, R, z_source, z_target, refine_steps)
