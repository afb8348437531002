"""Views of objects: each its own draw of points, seen from somewhere, turned, noisy, centred."""

import math

import roma
import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.geometry.so3 import frame_towards, random_rotations
from pointpng_core.training.augmentation.config import AugmentConfig
from pointpng_core.training.augmentation.sensor_views import visible_from_z


def random_views(objects: Tensor, views: int, points: int, *, config: AugmentConfig,
                 generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return clouds (B, V, n, 3) of objects (B, P, 3), and the R (B, V, 3, 3) that turned them.

    Objects are centred and in diameters, as are the clouds, each about its own centroid. The
    draws of one object share as few points as its P allow.
    """
    objects = objects * stretch_factors(objects, config, generator)
    kept = _kept(objects, views, config, generator)  # (B, V, P)
    clouds = _draw(objects, kept, points, generator)  # (B, V, n, 3)
    R = _turns(clouds.shape[:2], config.rotation, generator, objects.device)
    clouds = clouds @ R.transpose(-1, -2)
    noise = torch.randn(clouds.shape, generator=generator, device=objects.device)
    clouds = clouds + config.jitter * noise
    return clouds - clouds.mean(dim=2, keepdim=True), R


def stretch_factors(objects: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Return factors (B, 1, 3), even on a logarithmic scale."""
    low, high = math.log(config.scale_low), math.log(config.scale_high)
    share = torch.rand(len(objects), 1, 3, generator=generator, device=objects.device)
    return torch.exp(low + (high - low) * share)


def _kept(objects: Tensor, views: int, config: AugmentConfig, generator: torch.Generator
          ) -> Tensor:
    """Return which points (B, V, P) each view may show."""
    kind = torch.rand(len(objects), generator=generator, device=objects.device)
    directions = _directions(len(objects), views, config.view_spread_rad, generator,
                             objects.device)  # (B, V, 3)
    kept = torch.ones(len(objects), views, objects.shape[1], dtype=torch.bool,
                      device=objects.device)
    # To pick the objects that are cropped, or seen from a side, would be to wait for the device.
    if config.crop_share:
        cropped = (kind < config.crop_share)[:, None, None]
        kept &= ~cropped | _uncut(objects, directions, config, generator)
    if config.view_share:
        seen = (kind >= config.crop_share) & (kind < config.crop_share + config.view_share)
        turned = objects[:, None] @ frame_towards(directions).transpose(-1, -2)
        visible = visible_from_z(turned.flatten(0, 1)).unflatten(0, (-1, views))
        kept &= ~seen[:, None, None] | visible
    return kept


def _directions(count: int, views: int, spread_rad: float, generator: torch.Generator,
                device: torch.device) -> Tensor:
    """Return unit vectors (B, V, 3): one for each object, and the views about it."""
    side = normalize(torch.randn(count, 1, 3, generator=generator, device=device), dim=-1)
    around = torch.randn(count, views, 3, generator=generator, device=device)
    return normalize(side + math.tan(min(spread_rad, 1.5)) / 2 * around, dim=-1)


def _uncut(objects: Tensor, directions: Tensor, config: AugmentConfig,
           generator: torch.Generator) -> Tensor:
    """Return what is left (B, V, P) when a side in each direction is cut off."""
    along = directions @ objects.transpose(1, 2)  # (B, V, P)
    share = config.crop_depth * torch.rand(along.shape[:2], generator=generator,
                                           device=objects.device)
    rank = along.argsort(dim=-1).argsort(dim=-1)
    return rank < (1.0 - share[..., None]) * along.shape[-1]


def _draw(objects: Tensor, kept: Tensor, points: int, generator: torch.Generator) -> Tensor:
    """Return `points` kept points for each view (B, V, n, 3); few ones are repeated.

    All views of an object go through its points in one random order, from places that lie evenly
    apart, so that they share as few points as can be.
    """
    batch, views, pool = kept.shape
    order = torch.rand(batch, 1, pool, generator=generator, device=objects.device).argsort(dim=-1)
    start = torch.arange(views, device=objects.device)[:, None] * pool // views
    place = (order - start) % pool  # (B, V, P), a rank for each point
    ranks = torch.where(kept, place, place + pool).argsort(dim=-1)  # kept ones first
    counts = kept.sum(dim=-1, keepdim=True).clamp(min=1)
    chosen = ranks.gather(2, torch.arange(points, device=objects.device) % counts)
    rows = torch.arange(batch, device=objects.device)[:, None, None]
    return objects[rows, chosen]


def _turns(shape: torch.Size, rotation: str, generator: torch.Generator, device: torch.device
           ) -> Tensor:
    """Return rotations (*shape, 3, 3) of the kind that is asked for."""
    if rotation == 'so3':
        return random_rotations(tuple(shape), generator=generator, device=device)
    angles = 2.0 * math.pi * torch.rand(shape, generator=generator, device=device)
    if rotation == 'none':
        angles = torch.zeros_like(angles)
    zero = torch.zeros_like(angles)
    return roma.rotvec_to_rotmat(torch.stack((zero, zero, angles), dim=-1))
