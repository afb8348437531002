"""Algorithm 1 of the paper: gradient descent over unit quaternions from random starts."""

import roma
import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.embedding.protocols import Cope
from pointpng_core.estimation.search.non_maximum_suppression import apart, climbed

BATCH = 512
"""Rotations that descend at once; it bounds the memory."""


class GradientSearch:
    """Finds rotations as `RotationSearch` does, without a grid: the encoder is not run again."""

    def __init__(self, cope: Cope, *, starts: int, steps: int, step_rad: float,
                 device: torch.device, seed: int = 0) -> None:
        """Sample `starts` quaternions, from each of which `steps` steps of `step_rad` descend."""
        self._cope, self._steps, self._step_rad = cope, steps, step_rad
        sample = torch.randn(starts, 4, generator=torch.Generator().manual_seed(seed))
        self._quats = normalize(sample, dim=-1).to(device)  # (N_out, 4)

    def peaks(self, z_source: Tensor, z_target: Tensor, *, count: int, apart_rad: float,
              refine_steps: int = 0) -> tuple[Tensor, Tensor]:
        """Return rotations (B, count, 3, 3) and scores (B, count), best first, for (B, d) each.

        R maps source coordinates into target coordinates. The quaternions of lowest loss that lie
        at least `apart_rad` apart are refined by `refine_steps` of the COPE's own ascent. Scores
        are the mean of the cosines of both directions, 1 - loss / 4; once refined, the cosine from
        source to target.
        """
        quats, losses = self._descend(z_source, z_target)
        scores, R = 1.0 - losses / 4.0, roma.unitquat_to_rotmat(quats)
        R, scores = apart(R, scores, count=count, apart_rad=apart_rad)
        if not refine_steps:
            return R, scores
        return climbed(self._cope, R, z_source, z_target, refine_steps)

    def _descend(self, z_source: Tensor, z_target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the best quaternion of each start (B, N_out, 4) and its loss (B, N_out)."""
        pairs, starts = len(z_source), len(self._quats)
        # The estimator works in inference mode, whose tensors autograd refuses: they are cloned.
        with torch.inference_mode(False), torch.enable_grad():
            source, target = (z.detach().clone().repeat_interleave(starts, dim=0)
                              for z in (z_source, z_target))
            quats = self._quats.clone().repeat(pairs, 1)
            parts = zip(*(tensor.split(BATCH) for tensor in (quats, source, target)))
            found = [self._descend_part(*part) for part in parts]
        best, losses = (torch.cat(part).unflatten(0, (pairs, starts)) for part in zip(*found))
        return best, losses

    def _descend_part(self, quats: Tensor, source: Tensor, target: Tensor
                      ) -> tuple[Tensor, Tensor]:
        best, lowest = quats, quats.new_full((len(quats),), torch.inf)
        for _ in range(self._steps + 1):
            loss, downhill = _slope(self._cope, quats, source, target)
            better = loss < lowest
            best = torch.where(better[:, None], quats, best)
            lowest = torch.where(better, loss, lowest)
            # The angle of a rotation is twice that of its quaternion.
            quats = normalize(quats + 0.5 * self._step_rad * downhill, dim=-1)
        return best, lowest


def bidirectional_loss(cope: Cope, quat_xyzw: Tensor, z_source: Tensor, z_target: Tensor
                       ) -> Tensor:
    """Return |Theta_q z / |.| - z+|^2 + |Theta_{q^-1} z+ / |.| - z|^2, (...), of unit z, z+."""
    R = roma.unitquat_to_rotmat(quat_xyzw)
    there = normalize(cope.apply(R, z_source), dim=-1)
    back = normalize(cope.apply(R.transpose(-1, -2), z_target), dim=-1)
    return (there - z_target).square().sum(-1) + (back - z_source).square().sum(-1)


def _slope(cope: Cope, quats: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss (N,) and the unit tangent (N, 4) along which it falls."""
    quats = quats.detach().requires_grad_()
    loss = bidirectional_loss(cope, quats, source, target)
    gradient, = torch.autograd.grad(loss.sum(), quats)
    at = quats.detach()
    tangent = gradient - (gradient * at).sum(-1, keepdim=True) * at
    return loss.detach(), -normalize(tangent, dim=-1)
