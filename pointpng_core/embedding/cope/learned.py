"""Base of the learned COPEs: Theta_g z from features of g, grid search and gradient ascent on it.

COPE is the conditional predictor of Point-PNG (arXiv 2409.15832): Theta_g z predicts the embedding
of a cloud rotated by g.

Shapes: F features of a rotation, d embedding size, B pairs, K rotations each, G rotations of a
grid, S sources, T targets, A angles.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import roma
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

CHUNK_ENTRIES = 2 ** 24
"""Numbers in memory at once while many rotations are applied: 64 MiB in float32."""
FIRST_STEP_RAD = 0.06
"""First step of gradient ascent: about half the spacing of the grids that it starts from."""


class LearnedCope(nn.Module, ABC):
    """A COPE with weights; subclasses define `features` and `transform` to implement `Cope`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    @abstractmethod
    def features(self, R: Tensor) -> Tensor:
        """Return the inputs (..., F) of Theta_g for rotations (..., 3, 3)."""

    @abstractmethod
    def transform(self, features: Tensor, z: Tensor) -> Tensor:
        """Return Theta_g z (..., d) for features (..., F) and z (..., d) that broadcast."""

    def theta(self, R: Tensor) -> Tensor:
        """Return Theta_g (..., d, d) for rotations (..., 3, 3)."""
        basis = torch.eye(self.dim, dtype=R.dtype, device=R.device)
        columns: Tensor = self.transform(self.features(R)[..., None, :], basis)
        return columns.transpose(-1, -2)

    # `Cope` requires this name; it hides nn.Module.apply, which visits submodules.
    def apply(self, R: Tensor, z: Tensor) -> Tensor:  # type: ignore[override]
        """Return Theta_g z (..., d), for (..., 3, 3) and (..., d) that broadcast."""
        return self.transform(self.features(R), z)

    @torch.no_grad()
    def grid_bank(self, R: Tensor) -> Tensor:
        """Return the features (G, F) of rotations (G, 3, 3)."""
        return torch.cat([self.features(part) for part in R.split(4096)])

    @torch.no_grad()
    def grid_scores(self, bank: Tensor, z_source: Tensor, z_target: Tensor) -> Tensor:
        """Return the cosines (B, G) of Theta_g z_source and z_target, (B, d) each."""
        return torch.cat([torch.einsum('gbd,bd->bg', rotated, z_target)
                          for rotated in self._rotated(bank, z_source)], dim=1)

    @torch.no_grad()
    def in_plane_bank(self, z_source: Tensor, angles_rad: Tensor) -> Tensor:
        """Return sources (S, d) rotated about z by every angle (A,), as unit vectors (S, A, d)."""
        axis = angles_rad.new_tensor((0.0, 0.0, 1.0))
        features = self.features(roma.rotvec_to_rotmat(angles_rad[:, None] * axis))
        return torch.cat(list(self._rotated(features, z_source))).transpose(0, 1).contiguous()

    def in_plane_scores(self, bank: Tensor, z_target: Tensor) -> Tensor:
        """Return the cosines (T, S, A) of every source and angle of a bank with targets (T, d)."""
        return (z_target @ bank.flatten(0, 1).T).unflatten(1, bank.shape[:2])

    def refine(self, R: Tensor, z_source: Tensor, z_target: Tensor, steps: int
               ) -> tuple[Tensor, Tensor]:
        """Ascend from rotations (B, K, 3, 3) towards a peak of the score of each pair (B, d).

        Returns the rotations and their scores (B, K), which are never lower than at the start: a
        step along the gradient is taken only where the score rises; elsewhere the next step is
        half as long.
        """
        # The estimator runs in inference mode, and autograd rejects its tensors: they are cloned.
        with torch.inference_mode(False), torch.enable_grad():
            source, target = (z.detach().clone()[:, None] for z in (z_source, z_target))
            R = R.detach().clone()
            score, direction = self._score_and_ascent(R, source, target)
            step = torch.full_like(score, FIRST_STEP_RAD)
            for _ in range(steps):
                trial = roma.rotvec_to_rotmat(step[..., None] * direction) @ R
                trial_score, trial_direction = self._score_and_ascent(trial, source, target)
                better = trial_score > score
                R = torch.where(better[..., None, None], trial, R)
                direction = torch.where(better[..., None], trial_direction, direction)
                score = torch.where(better, trial_score, score)
                step = torch.where(better, 1.2 * step, 0.5 * step)
        return R, score

    def _rotated(self, features: Tensor, z: Tensor) -> Iterator[Tensor]:
        """Yield Theta_g z / |.| for all features (G, F) and z (B, d) in parts (g, B, d)."""
        chunk = max(1, CHUNK_ENTRIES // (self.dim * max(features.shape[-1], len(z))))
        for part in features.split(chunk):
            yield normalize(self.transform(part[:, None], z), dim=-1)

    def _score_and_ascent(self, R: Tensor, z_source: Tensor, z_target: Tensor
                          ) -> tuple[Tensor, Tensor]:
        """Return the score (...) and its direction of steepest ascent, a unit rotvec (..., 3)."""
        R = R.detach().requires_grad_()
        score = (normalize(self.apply(R, z_source), dim=-1) * z_target).sum(-1)
        gradient, = torch.autograd.grad(score.sum(), R)
        # For dR = [omega]_x R the score changes by omega . axial(gradient R^T).
        product = gradient @ R.detach().transpose(-1, -2)
        skew = product - product.transpose(-1, -2)
        axial = torch.stack((skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]), dim=-1)
        return score.detach(), normalize(axial, dim=-1)
