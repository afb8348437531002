"""What a learned COPE sees of a rotation; the same for q and -q, which are one rotation."""

import roma
import torch
from torch import Tensor

CODES = {'rotation': 9, 'quaternion': 4}
"""What may be coded, and how many numbers it is."""


def rotation_numbers(R: Tensor, code: str) -> Tensor:
    """Return (..., 9) or (..., 4) numbers in [-1, 1] of rotations (..., 3, 3).

    'rotation': the entries of R, which are even in q and continuous everywhere; 'quaternion': the
    quaternion with w >= 0, which jumps at half turns.
    """
    return R.flatten(-2) if code == 'rotation' else canonical_quaternion(R)


def canonical_quaternion(R: Tensor) -> Tensor:
    """Return the quaternions (..., 4), xyzw with w >= 0, of rotations (..., 3, 3)."""
    quats = roma.rotmat_to_unitquat(R)
    return torch.where(quats[..., 3:] < 0, -quats, quats)


def harmonic_code(numbers: Tensor, frequencies: int) -> Tensor:
    """Return numbers x (..., K) with sin and cos of x, 2 x, 4 x ...: (..., K (1 + 2 F))."""
    octaves = 2.0 ** torch.arange(frequencies, device=numbers.device, dtype=numbers.dtype)
    phases = (numbers[..., None] * octaves).flatten(-2)  # (..., K F)
    return torch.cat((numbers, torch.sin(phases), torch.cos(phases)), dim=-1)
