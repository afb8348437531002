"""Real spherical harmonics of unit vectors, as polynomials of x, y, z: no angles, no poles.

Orthonormal on the sphere, no Condon-Shortley phase, z the polar axis. Degree l occupies
columns l^2 .. (l + 1)^2, in the order m = -l .. l (sine terms for m < 0).
"""

from collections.abc import Iterator
import math

import torch
from torch import Tensor


def degree_slices(degree_max: int) -> list[slice]:
    """Return the columns of each degree l = 0 .. degree_max."""
    return [slice(degree ** 2, (degree + 1) ** 2) for degree in range(degree_max + 1)]


def real_harmonics(directions: Tensor, degree_max: int) -> Tensor:
    """Return Y (..., (degree_max + 1)^2) of unit vectors (..., 3).

    Y_lm = N_lm P_l^m(z) / sin^m * (cos m phi, sin m phi) sin^m: the first factor by the usual
    recurrence in l, the second as Re and Im of (x + i y)^m.
    """
    x, y, z = directions.unbind(-1)
    cosines, sines = _azimuth_powers(x, y, degree_max)
    rows: list[Tensor] = [torch.empty(0)] * (degree_max + 1) ** 2
    for order in range(degree_max + 1):
        for degree, legendre in _legendre_column(z, order, degree_max):
            middle = degree * (degree + 1)
            rows[middle + order] = legendre * cosines[order]
            if order:
                rows[middle - order] = legendre * sines[order]
    # Stacked in front: each row is written in one go, which is what this function's time is.
    return torch.stack(rows).movedim(0, -1)


def _azimuth_powers(x: Tensor, y: Tensor, degree_max: int) -> tuple[list[Tensor], list[Tensor]]:
    cosines, sines = [torch.ones_like(x)], [torch.zeros_like(x)]
    for _ in range(degree_max):
        cosine, sine = cosines[-1], sines[-1]
        cosines.append(cosine * x - sine * y)
        sines.append(cosine * y + sine * x)
    return cosines, sines


def _legendre_column(z: Tensor, order: int, degree_max: int) -> Iterator[tuple[int, Tensor]]:
    """Yield (l, normalised P_l^m(z) / sin^m) for l = m .. degree_max at one order m."""
    last, current = torch.zeros_like(z), torch.full_like(z, _sectoral(order))
    yield order, current
    for degree in range(order + 1, degree_max + 1):
        a, b = _recurrence(degree, order)
        last, current = current, torch.sub(a * z * current, last, alpha=b)
        yield degree, current


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
