"""Real Wigner matrices: how spherical harmonics turn, Y^l(R x) = D^l(R) Y^l(x).

D^l(R) is solved from that definition on a fixed set of directions, which has no poles, no Euler
angles and one code path for every degree, dtype and device. Exact up to rounding, because the
directions determine every polynomial of the degree.
"""

from functools import lru_cache

import torch
from torch import Tensor

from pointpng_core.geometry.so3.sampling import fibonacci_directions
from pointpng_core.geometry.so3.spherical_harmonics import degree_slices, real_harmonics


def wigner_blocks(R: Tensor, degree_max: int) -> list[Tensor]:
    """Return D^l for l = 0 .. degree_max, each (..., 2l + 1, 2l + 1), of rotations (..., 3, 3)."""
    directions, solvers = _probe(degree_max, R.dtype, R.device)
    turned = directions @ R.transpose(-1, -2)  # (..., P, 3)
    values = real_harmonics(turned, degree_max)  # (..., P, (L + 1)^2)
    return [values[..., columns].transpose(-1, -2) @ solver
            for columns, solver in zip(degree_slices(degree_max), solvers)]


def flatten_blocks(blocks: list[Tensor]) -> Tensor:
    """Return the entries of all blocks in one row (..., sum_l (2l + 1)^2)."""
    return torch.cat([block.flatten(-2) for block in blocks], dim=-1)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # what is kept may later be needed by autograd
def rotation_generators(degree_max: int) -> list[Tensor]:
    """Return dD^l / d omega at the identity, each (3, 2l + 1, 2l + 1) float64, about x, y, z."""
    def turned(omega: Tensor) -> tuple[Tensor, ...]:
        cross = torch.stack([torch.linalg.cross(omega, axis) for axis in torch.eye(3).double()], 1)
        return tuple(wigner_blocks(torch.eye(3).double() + cross, degree_max))

    # Only first order in omega counts, so I + [omega]_x stands for the exponential.
    jacobians = torch.func.jacfwd(turned)(torch.zeros(3, dtype=torch.float64))
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
