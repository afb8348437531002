"""What every learned COPE shares: Theta_g z from the features of g, and the searches built on it.

Shapes: F features of a rotation, d embedding size, B pairs, K rotations each, G rotations of a
grid, S sources, T targets, A angles.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import roma
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

ENTRIES = 2 ** 24
"""Numbers that are held at once while many rotations are applied: 64 MiB in float32."""
FIRST_STEP_RAD = 0.06
"""About half the spacing of the grids that refinement starts from."""


class LearnedCope(nn.Module, ABC):
    """Base of the predictors with weights; implements `Cope` from `features` and `turn`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    @abstractmethod
    def features(self, R: Tensor) -> Tensor:
        """Return all that Theta_g needs to know of rotations (..., 3, 3), as (..., F)."""

    @abstractmethod
    def turn(self, features: Tensor, z: Tensor) -> Tensor:
        """Return Theta_g z (..., d) for features (..., F) and z (..., d) that broadcast."""

    def theta(self, R: Tensor) -> Tensor:
        """Return Theta_g (..., d, d) for rotations (..., 3, 3)."""
        basis = torch.eye(self.dim, dtype=R.dtype, device=R.device)
        columns: Tensor = self.turn(self.features(R)[..., None, :], basis)
        return columns.transpose(-1, -2)

    # The name is that of `Cope`; nn.Module.apply, which visits submodules, gives way to it.
    def apply(self, R: Tensor, z: Tensor) -> Tensor:  # type: ignore[override]
        """Return Theta_g z (..., d), for (..., 3, 3) and (..., d) that broadcast."""
        return self.turn(self.features(R), z)

    @torch.no_grad()
    def grid_bank(self, R: Tensor) -> Tensor:
        """Return the features (G, F) of rotations (G, 3, 3)."""
        return torch.cat([self.features(part) for part in R.split(4096)])

    @torch.no_grad()
    def grid_scores(self, bank: Tensor, z_source: Tensor, z_target: Tensor) -> Tensor:
        """Return the cosines (B, G) of Theta_g z_source and z_target, (B, d) each."""
        return torch.cat([torch.einsum('gbd,bd->bg', turned, z_target)
                          for turned in self._turned(bank, z_source)], dim=1)

    @torch.no_grad()
    def in_plane_bank(self, z_source: Tensor, angles_rad: Tensor) -> Tensor:
        """Return sources (S, d) turned about z by every angle (A,), as unit vectors (S, A, d)."""
        axis = angles_rad.new_tensor((0.0, 0.0, 1.0))
        in_plane_rotations = self.features(roma.rotvec_to_rotmat(angles_rad[:, None] * axis))
        return torch.cat(list(self._turned(in_plane_rotations, z_source))).transpose(0, 1).contiguous()

    def in_plane_scores(self, bank: Tensor, z_target: Tensor) -> Tensor:
        """Return the cosines (T, S, A) of every source and angle of a bank with targets (T, d)."""
        return (z_target @ bank.flatten(0, 1).T).unflatten(1, bank.shape[:2])

    def refine(self, R: Tensor, z_source: Tensor, z_target: Tensor, steps: int
               ) -> tuple[Tensor, Tensor]:
        """Climb from rotations (B, K, 3, 3) towards a peak of the score of each pair (B, d).

        Returns the rotations and their scores (B, K), which are never lower than at the start: a
        step along the gradient counts only where the score rises, elsewhere the next is half as
        long.
        """
        # The estimator works in inference mode, whose tensors autograd refuses: they are cloned.
        with torch.inference_mode(False), torch.enable_grad():
            source, target = (z.detach().clone()[:, None] for z in (z_source, z_target))
            R = R.detach().clone()
            score, uphill = self._slope(R, source, target)
            step = torch.full_like(score, FIRST_STEP_RAD)
            for _ in range(steps):
                further = roma.rotvec_to_rotmat(step[..., None] * uphill) @ R
                reached, onwards = self._slope(further, source, target)
                better = reached > score
                R = torch.where(better[..., None, None], further, R)
                uphill = torch.where(better[..., None], onwards, uphill)
                score = torch.where(better, reached, score)
                step = torch.where(better, 1.2 * step, 0.5 * step)
        return R, score

    def _turned(self, features: Tensor, z: Tensor) -> Iterator[Tensor]:
        """Yield Theta_g z / |.| of all features (G, F) and z (B, d) in parts (g, B, d)."""
        part = max(1, ENTRIES // (self.dim * max(features.shape[-1], len(z))))
        for some in features.split(part):
            yield normalize(self.turn(some[:, None], z), dim=-1)

    def _slope(self, R: Tensor, z_source: Tensor, z_target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score (...) and the unit rotation vector (..., 3) along which it rises."""
        R = R.detach().requires_grad_()
        score = (normalize(self.apply(R, z_source), dim=-1) * z_target).sum(-1)
        gradient, = torch.autograd.grad(score.sum(), R)
        # For dR = [omega]_x R the score changes by omega . axial(gradient R^T).
        turn = gradient @ R.detach().transpose(-1, -2)
        skew = turn - turn.transpose(-1, -2)
        axial = torch.stack((skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]), dim=-1)
        return score.detach(), normalize(axial, dim=-1)
