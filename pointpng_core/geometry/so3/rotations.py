"""Rotations: frames that face a direction, random rotations, even grids of the rotation group."""

import math

import roma
import torch
from torch import Tensor
from torch.nn.functional import normalize

GOLDEN_ANGLE_RAD = math.pi * (3.0 - math.sqrt(5.0))
SUPER_FIBONACCI_PHI = math.sqrt(2.0)
# Positive root of psi^4 = psi + 4 (Alexa 2022, section 4).
SUPER_FIBONACCI_PSI = 1.533751168755204288118041


def frame_towards(directions: Tensor) -> Tensor:
    """Return rotations R (..., 3, 3) with R @ direction = +z, for directions (..., 3).

    The two other axes are a fixed function of the direction: x is perpendicular to the world axis
    least aligned with it, so that no direction is near a singularity.
    """
    z = normalize(directions, dim=-1)
    helper = torch.zeros_like(z).scatter(-1, z.abs().argmin(dim=-1, keepdim=True), 1.0)
    x = normalize(torch.linalg.cross(helper, z, dim=-1), dim=-1)
    y = torch.linalg.cross(z, x, dim=-1)
    return torch.stack((x, y, z), dim=-2)


def random_rotations(shape: tuple[int, ...], *, generator: torch.Generator | None = None,
                     device: torch.device | None = None) -> Tensor:
    """Return rotations (*shape, 3, 3) uniform over SO(3): normalised Gaussian quaternions."""
    quats = torch.randn(*shape, 4, generator=generator, device=device)
    return roma.unitquat_to_rotmat(normalize(quats, dim=-1))


def super_fibonacci(count: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return `count` quaternions (count, 4), xyzw, w >= 0, evenly covering SO(3).

    Super-Fibonacci spirals: Alexa, CVPR 2022. Of 8192 of them, the nearest
    to any rotation is about 7 degrees away.
    """
    if count < 1:
        raise ValueError(f'count = {count}: a grid needs at least one rotation')
    s = torch.arange(count, dtype=torch.float64) + 0.5
    inner, outer = torch.sqrt(s / count), torch.sqrt(1.0 - s / count)
    alpha, beta = 2 * math.pi * s / SUPER_FIBONACCI_PHI, 2 * math.pi * s / SUPER_FIBONACCI_PSI
    quats = torch.stack((inner * torch.sin(alpha), inner * torch.cos(alpha),
                         outer * torch.sin(beta), outer * torch.cos(beta)), dim=-1)
    return torch.where(quats[:, 3:] < 0, -quats, quats).to(dtype)


def rotation_grid(count: int) -> Tensor:
    """Return the rotations (count, 3, 3) of `super_fibonacci`."""
    return roma.unitquat_to_rotmat(super_fibonacci(count))


def fibonacci_directions(count: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return `count` unit vectors (count, 3) evenly covering the sphere (Fibonacci lattice)."""
    if count < 1:
        raise ValueError(f'count = {count}: a grid needs at least one direction')
    index = torch.arange(count, dtype=torch.float64)
    z = 1.0 - (2.0 * index + 1.0) / count
    radius, azimuth = torch.sqrt(1.0 - z * z), GOLDEN_ANGLE_RAD * index
    points = torch.stack((radius * torch.cos(azimuth), radius * torch.sin(azimuth), z), dim=-1)
    return points.to(dtype)


def in_plane_angles(count: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return `count` angles (count,) in [0, 2 pi), evenly spaced, radians."""
    return (2.0 * math.pi / count * torch.arange(count, dtype=torch.float64)).to(dtype)
