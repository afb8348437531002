"""Geodesic distances between rotations, exact near 0 and near 180 degrees."""

import torch
from torch import Tensor


def quaternion_distance_rad(quat_a_xyzw: Tensor, quat_b_xyzw: Tensor) -> Tensor:
    """Return the angle in [0, pi] between unit quaternions (..., 4); q and -q are one rotation.

    4 atan2(|a - b|, |a + b|) with the signs aligned: unlike 2 acos|<a, b>| its derivative is
    finite everywhere but at the ends, and small angles keep their digits.
    """
    sign = torch.where((quat_a_xyzw * quat_b_xyzw).sum(-1, keepdim=True) < 0, -1.0, 1.0)
    aligned = quat_b_xyzw * sign
    apart = (quat_a_xyzw - aligned).norm(dim=-1)
    along = (quat_a_xyzw + aligned).norm(dim=-1)
    return 4.0 * torch.atan2(apart, along)


def rotation_distance_rad(R_a: Tensor, R_b: Tensor) -> Tensor:
    """Return the angle in [0, pi] between rotation matrices (..., 3, 3).

    The chord |A - B|_F = 2 sqrt(2) sin(angle / 2) and the trace give sine and cosine of the half
    angle; atan2 of both is accurate over the whole range.
    """
    chord = (R_a - R_b).flatten(-2).norm(dim=-1)
    trace = (R_a * R_b).flatten(-2).sum(-1)
    cosine = torch.sqrt(torch.clamp(1.0 + trace, min=0.0)) / 2.0
    return 2.0 * torch.atan2(chord / 8.0 ** 0.5, cosine)
