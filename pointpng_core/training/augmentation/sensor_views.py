"""Objects as a depth camera sees them: from one side, partly hidden, noisy, with others' points.

Everything is one batch of tensors, so that a training step renders its own views. Shapes: B
objects of P points, V views each, n points drawn.
"""

from dataclasses import dataclass
import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.geometry.so3 import frame_towards
from pointpng_core.training.augmentation.config import SensorConfig


@dataclass(frozen=True, kw_only=True)
class SensorViews:
    """Views of objects, each in its own view frame, z towards the camera, about its centroid."""

    clouds: Tensor
    """(B, V, n, 3) in diameters."""
    R_view_object: Tensor
    """(B, V, 3, 3)"""
    centre: Tensor
    """(B, V, 3) from the cloud's centroid to the object's centre, in the view frame."""
    visible: Tensor
    """(B, V) share of the object's points that can be seen."""


def sensor_views(points: Tensor, normals: Tensor, directions: Tensor, count: int, *,
                 config: SensorConfig, generator: torch.Generator, ideal: bool = False
                 ) -> SensorViews:
    """Render objects (B, P, 3) with normals (B, P, 3; zero: unknown) from directions (B, V, 3).

    `count` points of each view; an `ideal` camera sees everything that faces it, exactly.
    """
    R = frame_towards(directions)  # (B, V, 3, 3)
    turned = points[:, None] @ R.transpose(-1, -2)  # (B, V, P, 3)
    facing = (normals[:, None] * directions[:, :, None]).sum(-1)
    seen = visible_from_z(turned.flatten(0, 1)).unflatten(0, R.shape[:2]) & (facing >= 0)
    if not ideal:
        seen &= ~_hidden(turned, seen, config, generator)
    clouds = _drawn(turned, seen, count, generator)
    if not ideal:
        clouds = _leaked(clouds, config, generator)
        clouds = (clouds + _noise(clouds, config, generator)) * _scale(clouds, config, generator)
    centroid = clouds.mean(dim=2, keepdim=True)
    return SensorViews(clouds=clouds - centroid, R_view_object=R, centre=-centroid.squeeze(2),
                       visible=seen.float().mean(dim=-1))


def around(directions: Tensor, spread_rad: float, generator: torch.Generator) -> Tensor:
    """Return unit vectors (..., 3) about as far from the given ones (..., 3) as told."""
    noise = torch.randn(directions.shape, generator=generator, device=directions.device)
    return normalize(directions + math.tan(min(spread_rad, 1.5)) / math.sqrt(2.0) * noise, dim=-1)


def _hidden(turned: Tensor, seen: Tensor, config: SensorConfig, generator: torch.Generator
            ) -> Tensor:
    """Return which points (B, V, P) something in front of one side of the image hides."""
    shape, device = turned.shape[:2], turned.device
    draw = torch.rand(*shape, 3, generator=generator, device=device)
    angle = 2.0 * math.pi * draw[..., 0]
    side = torch.stack((angle.cos(), angle.sin()), dim=-1)  # (B, V, 2)
    along = (turned[..., :2] @ side[..., None]).squeeze(-1)  # (B, V, P)
    share = config.occlusion * draw[..., 1] * (draw[..., 2] < config.occluded_share)
    rank = along.masked_fill(~seen, torch.inf).argsort(dim=-1).argsort(dim=-1)
    return rank < share[..., None] * seen.sum(dim=-1, keepdim=True)


def _drawn(turned: Tensor, seen: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return `count` of the points that are seen (B, V, count, 3), repeated where they are few."""
    order = torch.rand(seen.shape, generator=generator, device=seen.device)
    ranks = (order + (~seen).float()).argsort(dim=-1)  # seen ones first, at random
    number = seen.sum(dim=-1, keepdim=True).clamp(min=1)
    chosen = ranks.gather(2, torch.arange(count, device=seen.device) % number)
    return turned.gather(2, chosen[..., None].expand(-1, -1, -1, 3))


def _leaked(clouds: Tensor, config: SensorConfig, generator: torch.Generator) -> Tensor:
    """Put a few points of a neighbour, another object of the batch, in the place of some."""
    count = clouds.shape[2]
    draw = torch.rand(*clouds.shape[:2], 3, generator=generator, device=clouds.device)
    angle = 2.0 * math.pi * draw[..., 0]
    side = torch.stack((angle.cos(), angle.sin(), torch.zeros_like(angle)), dim=-1)[:, :, None]
    other = clouds.roll(1, dims=0)
    touching = ((clouds * side).sum(-1).amax(-1) - (other * side).sum(-1).amin(-1))[..., None]
    other = other + touching[..., None] * side
    nearest = (other * side).sum(-1).argsort(dim=-1)  # (B, V, n)
    share = config.leak * draw[..., 1] * (draw[..., 2] < config.leak_share)
    taken = torch.arange(count, device=clouds.device) < share[..., None] * count
    return torch.where(taken[..., None],
                       other.gather(2, nearest[..., None].expand(-1, -1, -1, 3)), clouds)


def _scale(clouds: Tensor, config: SensorConfig, generator: torch.Generator) -> Tensor:
    """Return factors (B, V, 1, 1) about 1."""
    draw = torch.rand(*clouds.shape[:2], 1, 1, generator=generator, device=clouds.device)
    return 1.0 + config.scale * (2.0 * draw - 1.0)


def _noise(clouds: Tensor, config: SensorConfig, generator: torch.Generator) -> Tensor:
    """Return errors (B, V, n, 3): those along the ray grow with the square of the distance."""
    level = torch.rand(*clouds.shape[:2], 1, generator=generator, device=clouds.device).square()
    errors = torch.randn(clouds.shape, generator=generator, device=clouds.device)
    scale = clouds.new_tensor((config.lateral_noise, config.lateral_noise, config.depth_noise))
    return errors * scale * level[..., None]


PIXELS = 36
"""Across a buffer two units wide: a pixel is about 1.5 spacings of 1024 points wide."""


DEPTH_PIXELS = 2.0
"""How far behind the front of its pixel a point may lie and still be seen: slanted surfaces."""


def visible_from_z(clouds: Tensor) -> Tensor:
    """Return which points (B, N) of clouds (B, N, 3), in diameters, a camera far up z sees."""
    pixel = ((clouds[..., :2] + 1.0) * (PIXELS / 2)).long().clamp(0, PIXELS - 1)
    index = pixel[..., 0] * PIXELS + pixel[..., 1]  # (B, N)
    heights = clouds[..., 2]
    nearest = heights.new_full((len(clouds), PIXELS ** 2), -torch.inf)
    nearest = nearest.scatter_reduce(1, index, heights, 'amax').unflatten(1, (1, PIXELS, PIXELS))
    # Neighbouring pixels close the gaps between points.
    front = torch.nn.functional.max_pool2d(nearest, 3, stride=1, padding=1).flatten(1)
    seen: Tensor = heights >= front.gather(1, index) - DEPTH_PIXELS * 2.0 / PIXELS
    return seen
