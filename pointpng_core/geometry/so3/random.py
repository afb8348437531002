"""Random rotations."""

import roma
import torch
from torch import Tensor
from torch.nn.functional import normalize


def random_rotations(shape: tuple[int, ...], *, generator: torch.Generator | None = None,
                     device: torch.device | None = None) -> Tensor:
    """Return rotations (*shape, 3, 3) uniform over SO(3): normalised Gaussian quaternions."""
    quats = torch.randn(*shape, 4, generator=generator, device=device)
    return roma.unitquat_to_rotmat(normalize(quats, dim=-1))
