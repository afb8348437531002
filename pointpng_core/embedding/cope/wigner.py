"""Wigner COPE: the exact representation of SO(3), block-diagonal of I_m (x) D^l(g).

An embedding holds per degree l a block Z_l of shape (m_l, 2l + 1), and turns as
Z_l -> Z_l D^l(g)^T. There is nothing to learn and nothing that could collapse, Theta is
orthogonal, and Theta_gh = Theta_g Theta_h.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import roma
import torch
from torch import Tensor
from torch.nn.functional import pad

from pointpng_core.geometry.so3 import flatten_blocks, rotation_generators, wigner_blocks


@dataclass(frozen=True, kw_only=True)
class TwistBank:
    """S sources and A angles about z, prepared for `WignerCope.in_plane_scores`."""

    orders: Tensor
    """(L + 1, 2n, S) per order m the cosine and sine parts of all degrees l >= m, then zeros."""
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
        places, entries = _block_places(self.multiplicities, z_source.device)
        source, target = (_padded(z).index_select(-1, places.flatten()).unflatten(-1, places.shape)
                          for z in (z_source, z_target))  # (..., L + 1, copies, 2L + 1)
        return (target.transpose(-1, -2) @ source).flatten(-3).index_select(-1, entries)

    def grid_bank(self, R: Tensor) -> Tensor:
        """Return the flattened D^l(g), (G, sum (2l + 1)^2), of rotations (G, 3, 3)."""
        return torch.cat([flatten_blocks(wigner_blocks(chunk, self.degree_max))
                          for chunk in R.split(1024)])

    def grid_scores(self, bank: Tensor, z_source: Tensor, z_target: Tensor) -> Tensor:
        """Return the scores (B, G) of all rotations of a bank: one product with it."""
        return self.correlate(z_source, z_target) @ bank.T

    def in_plane_bank(self, z_source: Tensor, angles_rad: Tensor) -> TwistBank:
        """Return of sources (S, d) the parts that a turn about z mixes, for angles (A,)."""
        phases = torch.arange(self.degree_max + 1, device=angles_rad.device)[:, None] * angles_rad
        return TwistBank(
            orders=self._orders(z_source).flatten(2).transpose(1, 2).contiguous(),
            waves=torch.cat((torch.cos(phases), torch.sin(phases))))

    def in_plane_scores(self, bank: TwistBank, z_target: Tensor) -> Tensor:
        """Return (T, S, A): every source of a bank turned about z by its angles, on (T, d).

        About z only m and -m mix, as a plane rotation by m times the angle, so that the score is a
        trigonometric polynomial of degree L; its 2L + 1 coefficients cost one small product per m.
        """
        parts = self._orders(z_target)
        both = torch.cat((parts.flatten(2), _quarter_turn(parts).flatten(2)), dim=1)
        cosine, sine = (both @ bank.orders).chunk(2, dim=1)  # (L + 1, T, S)
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

    def _orders(self, z: Tensor) -> Tensor:
        """Return per order m the cosine and sine parts (L + 1, S, 2, n) of (S, d).

        Order m has the copies of all degrees l >= m, and zeros behind them.
        """
        places = _order_places(self.multiplicities, z.device)
        parts = _padded(z).index_select(1, places.flatten()).unflatten(1, places.shape)
        return parts.movedim(1, 0)


def _quarter_turn(parts: Tensor) -> Tensor:
    """Map (cosine, sine) parts (..., 2, n) to (sine, -cosine)."""
    cosine, sine = parts.unbind(dim=-2)
    return torch.stack((sine, -cosine), dim=-2)


def _padded(z: Tensor) -> Tensor:
    """Return embeddings (..., d) with a zero behind, for blocks that are filled up with zeros."""
    return pad(z, (0, 1))


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # what is kept may later be needed by autograd
def _order_places(multiplicities: tuple[int, ...], device: torch.device) -> Tensor:
    """Return (L + 1, 2, n): where in an embedding the cosine and sine parts of each order lie.

    Parts that do not exist lie at d, one behind its end.
    """
    starts, degrees = _starts(multiplicities), range(len(multiplicities))
    table = torch.full((len(multiplicities), 2, sum(multiplicities)), starts[-1])
    for m in degrees:
        for side, order in enumerate((m, -m)[:2 if m else 1]):
            rows = [starts[degree] + copy * (2 * degree + 1) + degree + order
                    for degree in degrees[m:] for copy in range(multiplicities[degree])]
            table[m, side, :len(rows)] = torch.tensor(rows)
    return table.to(device)


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _block_places(multiplicities: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return where in an embedding the blocks (L + 1, copies, 2L + 1), filled up, lie.

    And where in all their products (L + 1, 2L + 1, 2L + 1) the (2l + 1)^2 of each degree lie.
    """
    starts, width = _starts(multiplicities), 2 * len(multiplicities) - 1
    blocks = torch.full((len(multiplicities), max(multiplicities), width), starts[-1])
    products = torch.arange(len(multiplicities) * width ** 2).view(-1, width, width)
    entries = []
    for degree, copies in enumerate(multiplicities):
        size = 2 * degree + 1
        rows = torch.arange(starts[degree], starts[degree + 1])
        blocks[degree, :copies, :size] = rows.view(copies, size)
        entries.append(products[degree, :size, :size].flatten())
    return blocks.to(device), torch.cat(entries).to(device)


def _starts(multiplicities: Sequence[int]) -> list[int]:
    """Return where the block of each degree begins, and the length of all."""
    sizes = [copies * (2 * degree + 1) for degree, copies in enumerate(multiplicities)]
    return [sum(sizes[:degree]) for degree in range(len(sizes) + 1)]


def _climb(gradient: Tensor, hessian: Tensor) -> Tensor:
    """Return a Newton ascent step (..., 3), at most 10 degrees, where the score is concave."""
    values, vectors = torch.linalg.eigh(hessian)
    # Directions in which the score is flat or convex are climbed by gradient instead.
    curvature = values.abs().clamp(min=1e-3 * values.abs().amax(-1, keepdim=True) + 1e-9)
    along = (vectors.transpose(-1, -2) @ gradient[..., None]).squeeze(-1) / curvature
    step = (vectors @ along[..., None]).squeeze(-1)
    length = step.norm(dim=-1, keepdim=True)
    return step * (0.175 / length.clamp(min=0.175))
