"""Wigner COPE: the exact representation of SO(3), block-diagonal of I_m (x) D^l(g).

An embedding has for each degree l a block Z_l of shape (m_l, 2l + 1), which transforms as
Z_l -> Z_l D^l(g)^T, as in steerable networks (tensor field networks, arXiv 1802.08219). Theta has
no weights that could collapse, it is orthogonal, and Theta_gh = Theta_g Theta_h.
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
class InPlaneBank:
    """S sources and A angles about z, prepared for `WignerCope.in_plane_scores`."""

    orders: tuple[Tensor, ...]
    """(2n, S) by order m: cosine, then sine parts of the n copies of all degrees l >= m."""
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
        rotated = [block @ D.transpose(-1, -2)
                   for block, D in zip(self.split(z), wigner_blocks(R, self.degree_max))]
        return torch.cat([block.flatten(-2) for block in rotated], dim=-1)

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

    def in_plane_bank(self, z_source: Tensor, angles_rad: Tensor) -> InPlaneBank:
        """Return the bank of sources (S, d) and angles (A,) for `in_plane_scores`."""
        phases = torch.arange(self.degree_max + 1, device=angles_rad.device)[:, None] * angles_rad
        return InPlaneBank(
            orders=tuple(part.flatten(1).T.contiguous() for part in self._orders(z_source)),
            waves=torch.cat((torch.cos(phases), torch.sin(phases))))

    def in_plane_scores(self, bank: InPlaneBank, z_target: Tensor) -> Tensor:
        """Return the scores (T, S, A) of every source and angle of a bank for targets (T, d).

        A rotation about z mixes only the orders m and -m, by a plane rotation of m times the
        angle. The score is a trigonometric polynomial of degree L in the angle, and its 2L + 1
        coefficients cost one small matrix product per m.
        """
        places, signs, sizes = _rotated_places(self.multiplicities, z_target.device)
        both = _padded(z_target).index_select(1, places).mul_(signs.to(z_target)).split(sizes, 1)
        # Each target in two rows: as it is, which gives a cosine, and rotated, which gives a sine.
        parts = [part.reshape(2 * len(z_target), -1) @ order
                 for part, order in zip(both, bank.orders)]  # (2T, S)
        by_order = torch.stack([*(part[::2] for part in parts), *(part[1::2] for part in parts)])
        scores = bank.waves.T @ by_order.flatten(1)
        return scores.unflatten(1, by_order.shape[1:]).movedim(0, -1)

    def refine(self, R: Tensor, z_source: Tensor, z_target: Tensor, steps: int
               ) -> tuple[Tensor, Tensor]:
        """Ascend from rotations (B, K, 3, 3) by Newton steps on s(exp(omega) g) = <D(g), C>.

        Returns the rotations and their scores (B, K). As D(exp(omega) g) = exp(omega . J) D(g),
        gradient and Hessian are linear in M_l = C_l D^l(g)^T: one product with a constant.
        """
        correlation = self.correlate(z_source, z_target)[:, None]  # (B, 1, F)
        first, second = self._derivatives(R)
        for _ in range(steps):
            moments = self._moments(R, correlation)
            gradient = moments @ first.T
            hessian = (moments @ second.T).unflatten(-1, (3, 3))
            R = roma.rotvec_to_rotmat(_newton_step(gradient, hessian)) @ R
        return R, (self._flat_wigner(R) * correlation).sum(-1)

    def _flat_wigner(self, R: Tensor) -> Tensor:
        return flatten_blocks(wigner_blocks(R, self.degree_max))

    def _moments(self, R: Tensor, correlation: Tensor) -> Tensor:
        """Return M_l = C_l D^l(g)^T of all degrees in one row (B, K, F)."""
        sizes = [(2 * degree + 1) ** 2 for degree in range(self.degree_max + 1)]
        blocks = zip(correlation.split(sizes, dim=-1), wigner_blocks(R, self.degree_max))
        return flatten_blocks([C.unflatten(-1, D.shape[-2:]) @ D.transpose(-1, -2)
                               for C, D in blocks])

    def _derivatives(self, R: Tensor) -> tuple[Tensor, Tensor]:
        """Return J_i (3, F) and the symmetrised products J_i J_j (9, F), flattened."""
        generators = [J.to(R) for J in rotation_generators(self.degree_max)]
        first = torch.cat([J.flatten(1) for J in generators], dim=1)  # (3, F)
        products = [J[:, None] @ J[None] for J in generators]
        second = torch.cat([((P + P.transpose(0, 1)) / 2).flatten(0, 1).flatten(1)
                            for P in products], dim=1)  # (9, F)
        return first, second

    def _orders(self, z: Tensor) -> list[Tensor]:
        """Return the cosine and sine parts (S, 2, n) of every order m of embeddings (S, d).

        Order m has the n copies of all degrees l >= m.
        """
        places = _order_places(self.multiplicities, z.device)
        found = _padded(z).index_select(1, torch.cat([each.flatten() for each in places]))
        return [part.unflatten(1, (2, -1))
                for part in found.split([each.numel() for each in places], dim=1)]


def _padded(z: Tensor) -> Tensor:
    """Return embeddings (..., d) with a zero appended, which padded blocks index."""
    return pad(z, (0, 1))


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # autograd may need the cached tensors later
def _order_places(multiplicities: tuple[int, ...], device: torch.device) -> list[Tensor]:
    """Return the indices (2, n) of the cosine and sine parts of each order.

    The sine parts of order 0, which do not exist, have the index d, that of the padded zero.
    """
    starts, degrees = _starts(multiplicities), range(len(multiplicities))
    tables = []
    for m in degrees:
        rows = torch.tensor([starts[degree] + copy * (2 * degree + 1) + degree
                             for degree in degrees[m:] for copy in range(multiplicities[degree])],
                            dtype=torch.long)
        sines = rows - m if m else torch.full_like(rows, starts[-1])
        tables.append(torch.stack((rows + m, sines)).to(device))
    return tables


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _rotated_places(multiplicities: tuple[int, ...], device: torch.device
                    ) -> tuple[Tensor, Tensor, list[int]]:
    """Return indices, signs and sizes of the parts of each order, as they are and rotated.

    Of order m there are cosine and sine parts, then sine and negative cosine parts: those after a
    quarter of a period, 4n in all. Indices and signs of all orders are in one row.
    """
    tables = _order_places(multiplicities, device)
    signs = [torch.tensor((1.0, 1.0, 1.0, -1.0), device=device).repeat_interleave(table.shape[1])
             for table in tables]
    places = [torch.cat((table, table.flip(0))).flatten() for table in tables]
    return torch.cat(places), torch.cat(signs), [len(each) for each in places]


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _block_places(multiplicities: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the indices of padded blocks in an embedding, and of unpadded products among padded.

    The blocks have shape (L + 1, copies, 2L + 1); of their flattened products (L + 1, 2L + 1,
    2L + 1), the second index (F,) selects the (2l + 1)^2 entries of each degree.
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
    """Return the offset of the block of each degree, and the total length."""
    sizes = [copies * (2 * degree + 1) for degree, copies in enumerate(multiplicities)]
    return [sum(sizes[:degree]) for degree in range(len(sizes) + 1)]


def _newton_step(gradient: Tensor, hessian: Tensor) -> Tensor:
    """Return a Newton ascent step (..., 3), at most 10 degrees, where the score is concave."""
    values, vectors = torch.linalg.eigh(hessian)
    # Along directions in which the score is flat or convex, ascend along the gradient instead.
    curvature = values.abs().clamp(min=1e-3 * values.abs().amax(-1, keepdim=True) + 1e-9)
    along = (vectors.transpose(-1, -2) @ gradient[..., None]).squeeze(-1) / curvature
    step = (vectors @ along[..., None]).squeeze(-1)
    length = step.norm(dim=-1, keepdim=True)
    return step * (0.175 / length.clamp(min=0.175))
