"""Frames whose z axis points in a given direction."""

import torch
from torch import Tensor


def frame_towards(directions: Tensor) -> Tensor:
    """Return rotations R (..., 3, 3) with R @ direction = +z, for directions (..., 3).

    The two other axes are arbitrary but a fixed function of the direction: x is taken from the
    world axis least aligned with it, so that no direction is near a singularity.
    """
    z = torch.nn.functional.normalize(directions, dim=-1)
    helper = torch.zeros_like(z).scatter(-1, z.abs().argmin(dim=-1, keepdim=True), 1.0)
    x = torch.nn.functional.normalize(torch.linalg.cross(helper, z, dim=-1), dim=-1)
    y = torch.linalg.cross(z, x, dim=-1)
    return torch.stack((x, y, z), dim=-2)
