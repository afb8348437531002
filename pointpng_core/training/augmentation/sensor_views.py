"""Views of a depth camera: self-occlusion, occlusion, noise, and points of neighbouring objects.

All views are rendered in one batch of tensors, in every training step. Shapes: B objects of P
points, V views each, n points sampled.
"""

from dataclasses import dataclass
import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.geometry.so3 import frame_towards
from pointpng_core.training.augmentation.config import SensorConfig

PIXELS = 36
"""Width of the depth buffer over two diameters: a pixel is about 1.5 spacings of 1024 points."""
DEPTH_PIXELS = 2.0
"""Depth behind the front of its pixel up to which a point is visible, for slanted surfaces."""


@dataclass(frozen=True, kw_only=True)
class SensorViews:
    """Views of objects, each in its view frame (z towards the camera), about its centroid."""

    clouds: Tensor
    """(B, V, n, 3) in diameters."""
    R_view_object: Tensor
    """(B, V, 3, 3)"""
    centre: Tensor
    """(B, V, 3) from the cloud's centroid to the object's centre, in the view frame."""
    visible: Tensor
    """(B, V) visible share of the object's points."""


def sensor_views(points: Tensor, normals: Tensor, directions: Tensor, count: int, *,
                 config: SensorConfig, generator: torch.Generator, ideal: bool = False
                 ) -> SensorViews:
    """Return views of objects (B, P, 3), with normals (B, P, 3), from directions (B, V, 3).

    Unknown normals are zero. `count` points are sampled of each view. An `ideal` camera has only
    self-occlusion, no other occlusion or noise.
    """
    R = frame_towards(directions)  # (B, V, 3, 3)
    rotated = points[:, None] @ R.transpose(-1, -2)  # (B, V, P, 3)
    facing = (normals[:, None] * directions[:, :, None]).sum(-1)
    visible = visible_from_z(rotated.flatten(0, 1)).unflatten(0, R.shape[:2]) & (facing >= 0)
    if not ideal:
        visible &= ~_occluded(rotated, visible, config, generator)
    clouds = _sampled(rotated, visible, count, generator)
    if not ideal:
        clouds = _with_neighbour(clouds, config, generator)
        clouds = (clouds + _noise(clouds, config, generator)) * _scale(clouds, config, generator)
    centroid = clouds.mean(dim=2, keepdim=True)
    return SensorViews(clouds=clouds - centroid, R_view_object=R, centre=-centroid.squeeze(2),
                       visible=visible.float().mean(dim=-1))


def visible_from_z(clouds: Tensor) -> Tensor:
    """Return a mask (B, N) of the points of clouds (B, N, 3) visible from a distant camera on +z.

    Coordinates are in diameters. Points far behind the front of their pixel are not visible.
    """
    pixel = ((clouds[..., :2] + 1.0) * (PIXELS / 2)).long().clamp(0, PIXELS - 1)
    index = pixel[..., 0] * PIXELS + pixel[..., 1]  # (B, N)
    heights = clouds[..., 2]
    nearest = heights.new_full((len(clouds), PIXELS ** 2), -torch.inf)
    nearest = nearest.scatter_reduce(1, index, heights, 'amax').unflatten(1, (1, PIXELS, PIXELS))
    # Neighbouring pixels close the gaps between points.
    front = torch.nn.functional.max_pool2d(nearest, 3, stride=1, padding=1).flatten(1)
    visible: Tensor = heights >= front.gather(1, index) - DEPTH_PIXELS * 2.0 / PIXELS
    return visible


def perturbed_directions(directions: Tensor, spread_rad: float, generator: torch.Generator
                         ) -> Tensor:
    """Return random unit vectors (..., 3) at about `spread_rad` from directions (..., 3)."""
    noise = torch.randn(directions.shape, generator=generator, device=directions.device)
    return normalize(directions + math.tan(min(spread_rad, 1.5)) / math.sqrt(2.0) * noise, dim=-1)


def _occluded(rotated: Tensor, visible: Tensor, config: SensorConfig, generator: torch.Generator
              ) -> Tensor:
    """Return a mask (B, V, P) of the points occluded by an object on one side of the image."""
    shape, device = rotated.shape[:2], rotated.device
    random = torch.rand(*shape, 3, generator=generator, device=device)
    angle = 2.0 * math.pi * random[..., 0]
    side = torch.stack((angle.cos(), angle.sin()), dim=-1)  # (B, V, 2)
    along = (rotated[..., :2] @ side[..., None]).squeeze(-1)  # (B, V, P)
    share = config.occlusion * random[..., 1] * (random[..., 2] < config.occluded_share)
    rank = along.masked_fill(~visible, torch.inf).argsort(dim=-1).argsort(dim=-1)
    return rank < share[..., None] * visible.sum(dim=-1, keepdim=True)


def _sampled(rotated: Tensor, visible: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return `count` visible points of each view (B, V, count, 3), repeated if there are fewer."""
    order = torch.rand(visible.shape, generator=generator, device=visible.device)
    sequence = (order + (~visible).float()).argsort(dim=-1)  # visible points first, at random
    number = visible.sum(dim=-1, keepdim=True).clamp(min=1)
    chosen = sequence.gather(2, torch.arange(count, device=visible.device) % number)
    return rotated.gather(2, chosen[..., None].expand(-1, -1, -1, 3))


def _with_neighbour(clouds: Tensor, config: SensorConfig, generator: torch.Generator) -> Tensor:
    """Return clouds (B, V, n, 3) with some points replaced by those of a touching neighbour.

    The neighbour is another object of the batch, whose points a segmentation would leak.
    """
    count = clouds.shape[2]
    random = torch.rand(*clouds.shape[:2], 3, generator=generator, device=clouds.device)
    angle = 2.0 * math.pi * random[..., 0]
    side = torch.stack((angle.cos(), angle.sin(), torch.zeros_like(angle)), dim=-1)[:, :, None]
    other = clouds.roll(1, dims=0)
    touching = ((clouds * side).sum(-1).amax(-1) - (other * side).sum(-1).amin(-1))[..., None]
    other = other + touching[..., None] * side
    nearest = (other * side).sum(-1).argsort(dim=-1)  # (B, V, n)
    share = config.leak * random[..., 1] * (random[..., 2] < config.leak_share)
    replaced = torch.arange(count, device=clouds.device) < share[..., None] * count
    return torch.where(replaced[..., None],
                       other.gather(2, nearest[..., None].expand(-1, -1, -1, 3)), clouds)


def _scale(clouds: Tensor, config: SensorConfig, generator: torch.Generator) -> Tensor:
    """Return random factors (B, V, 1, 1) around 1."""
    random = torch.rand(*clouds.shape[:2], 1, 1, generator=generator, device=clouds.device)
    return 1.0 + config.scale * (2.0 * random - 1.0)


def _noise(clouds: Tensor, config: SensorConfig, generator: torch.Generator) -> Tensor:
    """Return errors (B, V, n, 3), at a level per view that is the square of a uniform variable.

    The noise of a depth camera grows with the square of the distance.
    """
    level = torch.rand(*clouds.shape[:2], 1, generator=generator, device=clouds.device).square()
    errors = torch.randn(clouds.shape, generator=generator, device=clouds.device)
    scale = clouds.new_tensor((config.lateral_noise, config.lateral_noise, config.depth_noise))
    return errors * scale * level[..., None]
