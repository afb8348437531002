"""Rotation-invariant features of patches: lengths and angles of points, patches and pairs.

Shapes: B clouds, N points, G patches of K points.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.embedding.networks.patches import group_patches

POINT_FEATURES, PATCH_FEATURES, PAIR_FEATURES = 6, 6, 6


@dataclass(frozen=True, kw_only=True)
class PatchGeometry:
    """Patches of clouds in units of the clouds' sizes: equivariant vectors, invariant features."""

    size: Tensor
    """(B,) root mean square distance of the points from their centroid, the unit of all others."""
    centres: Tensor
    """(B, G, 3) equivariant."""
    offsets: Tensor
    """(B, G, K, 3) points of each patch about its centre, equivariant."""
    points: Tensor
    """(B, G, K, POINT_FEATURES) invariant."""
    patches: Tensor
    """(B, G, PATCH_FEATURES) invariant."""
    pairs: Tensor
    """(B, G, G, PAIR_FEATURES) invariant."""


@torch.no_grad()
def patch_geometry(clouds: Tensor, count: int, size: int) -> PatchGeometry:
    """Return the geometry of `count` patches of `size` points of clouds (B, N, 3), centred."""
    unit = clouds.square().sum(-1).mean(1).sqrt().clamp(min=1e-9)  # (B,)
    offsets, centres = group_patches(clouds / unit[:, None, None], count, size)
    normals, deviations = _principal_axes(offsets)
    outward = normalize(centres, dim=-1)
    return PatchGeometry(
        size=unit, centres=centres, offsets=offsets,
        points=_point_features(offsets, centres, outward, normals),
        patches=_patch_features(offsets, centres, outward, normals, deviations),
        pairs=_pair_features(centres, outward, normals))


def _principal_axes(offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Return normals (B, G, 3) of unknown sign, and standard deviations along all axes."""
    centred = offsets - offsets.mean(dim=2, keepdim=True)
    covariance = centred.transpose(-1, -2) @ centred / offsets.shape[2]
    values, vectors = torch.linalg.eigh(covariance)
    return vectors[..., 0], values.clamp(min=0.0).sqrt()


def _point_features(offsets: Tensor, centres: Tensor, outward: Tensor, normals: Tensor) -> Tensor:
    across = (offsets * normals[:, :, None]).sum(-1)  # (B, G, K)
    # The sign of a normal is unknown: features must be even in it.
    facing = (normals * outward).sum(-1)[..., None]
    return torch.stack((
        offsets.norm(dim=-1), (offsets * outward[:, :, None]).sum(-1), across.abs(),
        across * facing, (offsets + centres[:, :, None]).norm(dim=-1),
        torch.linalg.cross(offsets, outward[:, :, None].expand_as(offsets)).norm(dim=-1)), dim=-1)


def _patch_features(offsets: Tensor, centres: Tensor, outward: Tensor, normals: Tensor,
                    deviations: Tensor) -> Tensor:
    facing = (normals * outward).sum(-1).abs()
    asymmetry = offsets.mean(dim=2).norm(dim=-1)
    return torch.cat((centres.norm(dim=-1, keepdim=True), facing[..., None], deviations,
                      asymmetry[..., None]), dim=-1)


def _pair_features(centres: Tensor, outward: Tensor, normals: Tensor) -> Tensor:
    between = centres[:, None] - centres[:, :, None]  # (B, G, G, 3) from i to j
    along = normalize(between, dim=-1)
    radius = centres.norm(dim=-1)
    return torch.stack((
        between.norm(dim=-1), outward @ outward.transpose(1, 2),
        (normals @ normals.transpose(1, 2)).abs(),
        (normals[:, :, None] * along).sum(-1).abs(), (normals[:, None] * along).sum(-1).abs(),
        radius[:, None] - radius[:, :, None]), dim=-1)
