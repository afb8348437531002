"""Real spherical harmonics and the Wigner matrices that rotate them, Y^l(R x) = D^l(R) Y^l(x).

Harmonics are polynomials of x, y, z of unit vectors, without angles or poles: orthonormal on the
sphere, no Condon-Shortley phase, z the polar axis. Degree l occupies columns l^2 .. (l + 1)^2, in
the order m = -l .. l (sine terms for m < 0).

D^l(R) is solved from its definition on a fixed set of directions: one code path for every degree,
dtype and device. It is exact up to rounding, because the directions determine every polynomial of
the degree.
"""

from functools import lru_cache
import math

import torch
from torch import Tensor

from pointpng_core.geometry.so3.rotations import fibonacci_directions


def degree_slices(degree_max: int) -> list[slice]:
    """Return the columns of each degree l = 0 .. degree_max."""
    return [slice(degree ** 2, (degree + 1) ** 2) for degree in range(degree_max + 1)]


def real_harmonics(directions: Tensor, degree_max: int) -> Tensor:
    """Return Y (..., (degree_max + 1)^2) of unit vectors (..., 3).

    Y_lm = N_lm P_l^m(z) / sin^m * (cos m phi, sin m phi) sin^m. The second factor, Re and Im of
    (x + i y)^m, gives the two ends m = -l and l of a degree; everything between follows from the
    two degrees below by the usual recurrence in l, for all orders at once.
    """
    x, y, z = directions.unbind(-1)
    cosines, sines = _ends(x, y, degree_max)
    below, current = z.new_zeros(0, *z.shape), torch.full_like(z[None], _sectoral(0))
    rows = [current]
    for degree in range(1, degree_max + 1):
        a, b = (table.view(-1, *(1,) * z.dim()) for table in _factors(degree, z.dtype, z.device))
        inner = a * current * z  # orders 1 - l .. l - 1
        # Two degrees below there are no orders 1 - l and l - 1.
        middle = torch.addcmul(inner[1:-1], b, below, value=-1)
        below, current = current, torch.cat((sines[degree - 1, None], inner[:1], middle,
                                             inner[1:][-1:], cosines[degree - 1, None]))
        rows.append(current)
    # Stacked in front: each row is contiguous then, and writing them is most of the time.
    return torch.cat(rows).movedim(0, -1)


def _ends(x: Tensor, y: Tensor, degree_max: int) -> tuple[Tensor, Tensor]:
    """Return Y_ll and Y_l-l (degree_max, ...) for l = 1 .. degree_max, given x and y (...)."""
    cosines, sines = x[None], y[None]
    while len(cosines) < degree_max:  # by doubling: (x + i y)^(m + n) of all m at once
        c, s = cosines[-1], sines[-1]
        cosines, sines = (torch.cat((cosines, cosines * c - sines * s)),
                          torch.cat((sines, sines * c + cosines * s)))
    norms = _sectorals(degree_max, x.dtype, x.device).view(-1, *(1,) * x.dim())
    return cosines[:degree_max] * norms, sines[:degree_max] * norms


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # a cached tensor may later be needed by autograd
def _sectorals(degree_max: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    norms = [_sectoral(order) for order in range(1, degree_max + 1)]
    return torch.tensor(norms, dtype=dtype, device=device)


@lru_cache(maxsize=256)
@torch.inference_mode(False)
def _factors(degree: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return a of the orders 1 - l .. l - 1 and b of the orders 2 - l .. l - 2."""
    a, b = zip(*(_recurrence(degree, abs(order)) for order in range(1 - degree, degree)))
    return (torch.tensor(a, dtype=dtype, device=device),
            torch.tensor(b[1:-1], dtype=dtype, device=device))


def _sectoral(order: int) -> float:
    """Return P_m^m / sin^m, a constant; cosine and sine share the norm, hence 2 for m > 0."""
    product = math.prod((2 * k - 1) / (2 * k) for k in range(1, order + 1))
    return math.sqrt((2 * order + 1) / (4 * math.pi) * product * (2 if order else 1))


def _recurrence(degree: int, order: int) -> tuple[float, float]:
    """Return a, b of P_l = a z P_{l-1} - b P_{l-2} for orthonormal harmonics."""
    l2, m2 = degree * degree, order * order
    a = math.sqrt((4 * l2 - 1) / (l2 - m2))
    below = (degree - 1) ** 2 - m2
    b2 = (2 * degree + 1) * below / ((2 * degree - 3) * (l2 - m2)) if below else 0.0
    return a, math.sqrt(b2)


def wigner_blocks(R: Tensor, degree_max: int) -> list[Tensor]:
    """Return D^l for l = 0 .. degree_max, each (..., 2l + 1, 2l + 1), of rotations (..., 3, 3)."""
    directions, solvers = _probe(degree_max, R.dtype, R.device)
    rotated = directions @ R.transpose(-1, -2)  # (..., P, 3)
    values = real_harmonics(rotated, degree_max)  # (..., P, (L + 1)^2)
    return [values[..., columns].transpose(-1, -2) @ solver
            for columns, solver in zip(degree_slices(degree_max), solvers)]


def flatten_blocks(blocks: list[Tensor]) -> Tensor:
    """Return the entries of all blocks in one row (..., sum_l (2l + 1)^2)."""
    return torch.cat([block.flatten(-2) for block in blocks], dim=-1)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # a cached tensor may later be needed by autograd
def rotation_generators(degree_max: int) -> list[Tensor]:
    """Return dD^l / d omega at the identity, each (3, 2l + 1, 2l + 1) float64, about x, y, z."""
    def rotated(omega: Tensor) -> tuple[Tensor, ...]:
        cross = torch.stack([torch.linalg.cross(omega, axis) for axis in torch.eye(3).double()], 1)
        return tuple(wigner_blocks(torch.eye(3).double() + cross, degree_max))

    # Only first order in omega counts, so I + [omega]_x stands for the exponential.
    jacobians = torch.func.jacfwd(rotated)(torch.zeros(3, dtype=torch.float64))
    return [jacobian.movedim(-1, 0) for jacobian in jacobians]


@lru_cache(maxsize=32)
@torch.inference_mode(False)
def _probe(degree_max: int, dtype: torch.dtype, device: torch.device
           ) -> tuple[Tensor, list[Tensor]]:
    # A degree has 2l + 1 functions; twice as many directions keep every block well conditioned.
    directions = fibonacci_directions(2 * (2 * degree_max + 1), dtype=torch.float64)
    values = real_harmonics(directions, degree_max)
    solvers = [torch.linalg.pinv(values[:, columns]).transpose(0, 1).to(device, dtype)
               for columns in degree_slices(degree_max)]
    return directions.to(device, dtype), solvers
