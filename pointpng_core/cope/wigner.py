"""Wigner COPE: the exact representation of SO(3), block-diagonal of I_m (x) D^l(g).

An embedding holds per degree l a block Z_l of shape (m_l, 2l + 1), and turns as
Z_l -> Z_l D^l(g)^T. There is nothing to learn and nothing that could collapse, Theta is
orthogonal, and Theta_gh = Theta_g Theta_h.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import roma
import torch
from torch import Tensor

from pointpng_core.so3 import flatten_blocks, rotation_generators, wigner_blocks


@dataclass(frozen=True, kw_only=True)
class TwistBank:
    """S sources and A angles about z, prepared for `WignerCope.twist_scores`."""

    orders: list[Tensor]
    """Per order m the cosine and sine parts (2n, S) of all degrees l >= m."""
    waves: Tensor
    """(2 (L + 1), A) cosines, then sines, of m times every angle."""


class WignerCope:
    """The exact predictor for embeddings of m_0, m_1, ... copies of degrees 0, 1, ..."""

    def __init__(self, multiplicities: Sequence[int]) -> None:
        self.multiplicities = tuple(multiplicities)
        self.degree_max = len(self.multiplicities) - 1
        self._sizes = [m * (2 * degree + 1) for degree, m in enumerate(self.multiplicities)]
        self.dim = sum(self._sizes)

    def theta(self, R: Tensor) -> Tensor:
        """Return Theta_g (..., d, d) for rotations (..., 3, 3)."""
        blocks = [block for degree, block in enumerate(wigner_blocks(R, self.degree_max))
                  for _ in range(self.multiplicities[degree])]
        matrix = R.new_zeros(*R.shape[:-2], self.dim, self.dim)
        start = 0
        for block in blocks:
            stop = start + block.shape[-1]
            matrix[..., start:stop, start:stop] = block
            start = stop
        return matrix

    def apply(self, R: Tensor, z: Tensor) -> Tensor:
        """Return Theta_g z (..., d), for rotations (..., 3, 3) and embeddings (..., d)."""
        turned = [block @ turn.transpose(-1, -2)
                  for block, turn in zip(self.split(z), wigner_blocks(R, self.degree_max))]
        return torch.cat([block.flatten(-2) for block in turned], dim=-1)

    def split(self, z: Tensor) -> list[Tensor]:
        """Return the blocks Z_l (..., m_l, 2l + 1) of embeddings (..., d)."""
        return [part.unflatten(-1, (-1, 2 * degree + 1))
                for degree, part in enumerate(z.split(self._sizes, dim=-1))]

    def correlate(self, z_source: Tensor, z_target: Tensor) -> Tensor:
        """Return C_l = Z_target,l^T Z_source,l of all degrees in one row (..., sum (2l + 1)^2).

        <Theta_g z_source, z_target> = sum_l <D^l(g), C_l>: a band-limited function on SO(3).
        """
        pairs = zip(self.split(z_source), self.split(z_target))
        return flatten_blocks([target.transpose(-1, -2) @ source for source, target in pairs])

    def grid_bank(self, R: Tensor) -> Tensor:
        """Return the flattened D^l(g), (G, sum (2l + 1)^2), of rotations (G, 3, 3)."""
        return torch.cat([flatten_blocks(wigner_blocks(chunk, self.degree_max))
                          for chunk in R.split(1024)])

    def grid_scores(self, bank: Tensor, z_source: Tensor, z_target: Tensor) -> Tensor:
        """Return the scores (B, G) of all rotations of a bank: one product with it."""
        return self.correlate(z_source, z_target) @ bank.T

    def twist_bank(self, z_source: Tensor, angles_rad: Tensor) -> TwistBank:
        """Return of sources (S, d) the parts that a turn about z mixes, for angles (A,)."""
        phases = torch.arange(self.degree_max + 1, device=angles_rad.device)[:, None] * angles_rad
        return TwistBank(
            orders=[parts.flatten(1).T.contiguous() for parts in self._orders(z_source)],
            waves=torch.cat((torch.cos(phases), torch.sin(phases))))

    def twist_scores(self, bank: TwistBank, z_target: Tensor) -> Tensor:
        """Return (T, S, A): every source of a bank turned about z by its angles, on (T, d).

        About z only m and -m mix, as a plane rotation by m times the angle, so that the score is a
        trigonometric polynomial of degree L; its 2L + 1 coefficients cost one small product per m.
        """
        both = [torch.cat((parts.flatten(1), _quarter_turn(parts).flatten(1))) @ source
                for parts, source in zip(self._orders(z_target), bank.orders)]
        cosine, sine = torch.stack(both).chunk(2, dim=1)  # (L + 1, T, S)
        return (torch.cat((cosine, sine)).movedim(0, -1).flatten(0, 1) @ bank.waves).unflatten(
            0, cosine.shape[1:])

    def refine(self, R: Tensor, z_source: Tensor, z_target: Tensor, steps: int
               ) -> tuple[Tensor, Tensor]:
        """Climb from rotations (B, K, 3, 3) by Newton steps on s(exp(omega) g) = <D(g), C>.

        Returns the rotations and their scores (B, K). D(exp(omega) g) = exp(omega . J) D(g), so
        that gradient and Hessian are linear in M_l = C_l D^l(g)^T: one product with a constant.
        """
        correlation = self.correlate(z_source, z_target)[:, None]  # (B, 1, F)
        slopes, curvatures = self._derivatives(R)
        for _ in range(steps):
            moments = self._moments(R, correlation)
            gradient = moments @ slopes.T
            hessian = (moments @ curvatures.T).unflatten(-1, (3, 3))
            R = roma.rotvec_to_rotmat(_climb(gradient, hessian)) @ R
        return R, (self._flat_wigner(R) * correlation).sum(-1)

    def _flat_wigner(self, R: Tensor) -> Tensor:
        return flatten_blocks(wigner_blocks(R, self.degree_max))

    def _moments(self, R: Tensor, correlation: Tensor) -> Tensor:
        sizes = [(2 * degree + 1) ** 2 for degree in range(self.degree_max + 1)]
        blocks = zip(correlation.split(sizes, dim=-1), wigner_blocks(R, self.degree_max))
        return flatten_blocks([c.unflatten(-1, turn.shape[-2:]) @ turn.transpose(-1, -2)
                               for c, turn in blocks])

    def _derivatives(self, R: Tensor) -> tuple[Tensor, Tensor]:
        generators = [J.to(R) for J in rotation_generators(self.degree_max)]
        slopes = torch.cat([J.flatten(1) for J in generators], dim=1)  # (3, F)
        products = [J[:, None] @ J[None] for J in generators]
        curvatures = torch.cat([((P + P.transpose(0, 1)) / 2).flatten(0, 1).flatten(1)
                                for P in products], dim=1)  # (9, F)
        return slopes, curvatures

    def _orders(self, z: Tensor) -> list[Tensor]:
        """Return per order m the cosine and sine parts (..., 2, copies of all l >= m)."""
        blocks = self.split(z)
        orders = [torch.cat([block[..., degree] for degree, block in enumerate(blocks)], dim=-1)]
        orders = [torch.stack((orders[0], torch.zeros_like(orders[0])), dim=-2)]
        for m in range(1, self.degree_max + 1):
            parts = [torch.stack((block[..., degree + m], block[..., degree - m]), dim=-2)
                     for degree, block in enumerate(blocks) if degree >= m]
            orders.append(torch.cat(parts, dim=-1))
        return orders


def _quarter_turn(parts: Tensor) -> Tensor:
    """Map (cosine, sine) parts (..., 2, n) to (sine, -cosine)."""
    cosine, sine = parts.unbind(dim=-2)
    return torch.stack((sine, -cosine), dim=-2)


def _climb(gradient: Tensor, hessian: Tensor) -> Tensor:
    """Return a Newton ascent step (..., 3), at most 10 degrees, where the score is concave."""
    values, vectors = torch.linalg.eigh(hessian)
    # Directions in which the score is flat or convex are climbed by gradient instead.
    curvature = values.abs().clamp(min=1e-3 * values.abs().amax(-1, keepdim=True) + 1e-9)
    along = (vectors.transpose(-1, -2) @ gradient[..., None]).squeeze(-1) / curvature
    step = (vectors @ along[..., None]).squeeze(-1)
    length = step.norm(dim=-1, keepdim=True)
    return step * (0.175 / length.clamp(min=0.175))
