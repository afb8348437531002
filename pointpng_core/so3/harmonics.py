"""Real spherical harmonics of unit vectors, as polynomials of x, y, z: no angles, no poles.

Orthonormal on the sphere, no Condon-Shortley phase, z the polar axis. Degree l occupies
columns l^2 .. (l + 1)^2, in the order m = -l .. l (sine terms for m < 0).
"""

from functools import lru_cache
import math

import torch
from torch import Tensor


def degree_slices(degree_max: int) -> list[slice]:
    """Return the columns of each degree l = 0 .. degree_max."""
    return [slice(degree ** 2, (degree + 1) ** 2) for degree in range(degree_max + 1)]


def real_harmonics(directions: Tensor, degree_max: int) -> Tensor:
    """Return Y (..., (degree_max + 1)^2) of unit vectors (..., 3).

    Y_lm = N_lm P_l^m(z) / sin^m * (cos m phi, sin m phi) sin^m, the first factor by the recurrence
    in l (all m at once), the second as Re and Im of (x + i y)^m.
    """
    cosines, sines = _azimuth_powers(directions[..., 0], directions[..., 1], degree_max)
    rows = []
    for degree, legendre in enumerate(_legendre(directions[..., 2], degree_max)):
        orders = slice(1, degree + 1)
        negative = (legendre[..., orders] * sines[..., orders]).flip(-1)
        rows.append(torch.cat((negative, legendre[..., :1],
                               legendre[..., orders] * cosines[..., orders]), dim=-1))
    return torch.cat(rows, dim=-1)


def _azimuth_powers(x: Tensor, y: Tensor, degree_max: int) -> tuple[Tensor, Tensor]:
    cosine, sine = torch.ones_like(x), torch.zeros_like(x)
    cosines, sines = [cosine], [sine]
    for _ in range(degree_max):
        cosine, sine = cosine * x - sine * y, cosine * y + sine * x
        cosines.append(cosine)
        sines.append(sine)
    return torch.stack(cosines, dim=-1), torch.stack(sines, dim=-1)


def _legendre(z: Tensor, degree_max: int) -> list[Tensor]:
    """Return per degree l the normalised P_l^m(z) / sin^m for m = 0 .. l: (..., l + 1)."""
    z = z[..., None]
    tables = []
    for degree in range(degree_max + 1):
        a, b, top = _recurrence(degree)
        last = torch.full_like(z, top)
        if degree == 0:
            tables.append(last)
            continue
        lower = tables[degree - 1]
        current = z * lower * a.to(z)
        if degree > 1:
            current = current - torch.nn.functional.pad(tables[degree - 2], (0, 1)) * b.to(z)
        tables.append(torch.cat((current, last), dim=-1))
    return tables


@lru_cache(maxsize=64)
def _recurrence(degree: int) -> tuple[Tensor, Tensor, float]:
    """Return a_lm and b_lm for m < l in P_l = a z P_{l-1} - b P_{l-2}, and P_l^l / sin^l.

    The sqrt(2) of m > 0 enters once, in P_m^m, from which the recurrence of each m starts.
    """
    l, m = degree, torch.arange(max(degree, 1), dtype=torch.float64)
    a = torch.sqrt((4.0 * l * l - 1.0) / (l * l - m * m)) if l else m
    b = torch.sqrt(((2.0 * l + 1.0) * ((l - 1.0) ** 2 - m * m))
                   / ((2.0 * l - 3.0) * (l * l - m * m))) if l > 1 else m
    top = math.sqrt((2 * l + 1) / (4 * math.pi)
                    * math.prod((2 * k - 1) / (2 * k) for k in range(1, l + 1)))
    return a, b, top * (math.sqrt(2.0) if l else 1.0)
