"""Augmented views of objects: each its own sample of points, cropped, rotated, noisy, centred."""

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
    """Return clouds (B, V, n, 3) of objects (B, P, 3), and their rotations R (B, V, 3, 3).

    Objects are centred, in diameters; clouds are centred on their own centroids. The samples of
    one object share as few points as its P allow.
    """
    objects = objects * stretch_factors(objects, config, generator)
    kept = _visible_points(objects, views, config, generator)  # (B, V, P)
    clouds = _sample_points(objects, kept, points, generator)  # (B, V, n, 3)
    R = _rotations(clouds.shape[:2], config.rotation, generator, objects.device)
    clouds = clouds @ R.transpose(-1, -2)
    noise = torch.randn(clouds.shape, generator=generator, device=objects.device)
    clouds = clouds + config.jitter * noise
    return clouds - clouds.mean(dim=2, keepdim=True), R


def stretch_factors(objects: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Return factors (B, 1, 3) per axis, uniform on a logarithmic scale."""
    low, high = math.log(config.scale_low), math.log(config.scale_high)
    share = torch.rand(len(objects), 1, 3, generator=generator, device=objects.device)
    return torch.exp(low + (high - low) * share)


def _visible_points(objects: Tensor, views: int, config: AugmentConfig,
                    generator: torch.Generator) -> Tensor:
    """Return a mask (B, V, P) of the points that each view may contain."""
    kind = torch.rand(len(objects), generator=generator, device=objects.device)
    directions = _directions(len(objects), views, config.view_spread_rad, generator,
                             objects.device)  # (B, V, 3)
    kept = torch.ones(len(objects), views, objects.shape[1], dtype=torch.bool,
                      device=objects.device)
    # Selecting the objects that are cropped, or single views, would synchronise with a GPU.
    if config.crop_share:
        cropped = (kind < config.crop_share)[:, None, None]
        kept &= ~cropped | _uncropped(objects, directions, config, generator)
    if config.view_share:
        single = (kind >= config.crop_share) & (kind < config.crop_share + config.view_share)
        rotated = objects[:, None] @ frame_towards(directions).transpose(-1, -2)
        visible = visible_from_z(rotated.flatten(0, 1)).unflatten(0, (-1, views))
        kept &= ~single[:, None, None] | visible
    return kept


def _directions(count: int, views: int, spread_rad: float, generator: torch.Generator,
                device: torch.device) -> Tensor:
    """Return unit vectors (B, V, 3), those of one object around a common random direction."""
    side = normalize(torch.randn(count, 1, 3, generator=generator, device=device), dim=-1)
    around = torch.randn(count, views, 3, generator=generator, device=device)
    return normalize(side + math.tan(min(spread_rad, 1.5)) / 2 * around, dim=-1)


def _uncropped(objects: Tensor, directions: Tensor, config: AugmentConfig,
               generator: torch.Generator) -> Tensor:
    """Return a mask (B, V, P) of the points left after cropping the side in each direction."""
    along = directions @ objects.transpose(1, 2)  # (B, V, P)
    share = config.crop_depth * torch.rand(along.shape[:2], generator=generator,
                                           device=objects.device)
    rank = along.argsort(dim=-1).argsort(dim=-1)
    return rank < (1.0 - share[..., None]) * along.shape[-1]


def _sample_points(objects: Tensor, kept: Tensor, points: int, generator: torch.Generator
                   ) -> Tensor:
    """Return `points` kept points of each view (B, V, n, 3), repeated if there are fewer.

    All views of an object take its points in one random order, from evenly spaced starts, so that
    they share as few points as possible.
    """
    batch, views, pool = kept.shape
    order = torch.rand(batch, 1, pool, generator=generator, device=objects.device).argsort(dim=-1)
    start = torch.arange(views, device=objects.device)[:, None] * pool // views
    rank = (order - start) % pool  # (B, V, P)
    sequence = torch.where(kept, rank, rank + pool).argsort(dim=-1)  # kept points first
    counts = kept.sum(dim=-1, keepdim=True).clamp(min=1)
    chosen = sequence.gather(2, torch.arange(points, device=objects.device) % counts)
    rows = torch.arange(batch, device=objects.device)[:, None, None]
    return objects[rows, chosen]


def _rotations(shape: torch.Size, rotation: str, generator: torch.Generator,
               device: torch.device) -> Tensor:
    """Return random rotations (*shape, 3, 3): 'so3', 'z' (about z) or 'none' (the identity)."""
    if rotation == 'so3':
        return random_rotations(tuple(shape), generator=generator, device=device)
    angles = 2.0 * math.pi * torch.rand(shape, generator=generator, device=device)
    if rotation == 'none':
        angles = torch.zeros_like(angles)
    zero = torch.zeros_like(angles)
    return roma.rotvec_to_rotmat(torch.stack((zero, zero, angles), dim=-1))
