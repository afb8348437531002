"""What of a cloud's patches no rotation changes: lengths and angles, and the frame they are in.

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
    """Patches of clouds in units of their own size; what turns with a cloud, and what does not."""

    size: Tensor
    """(B,) root mean square distance of the points from their centroid: the unit of the rest."""
    centres: Tensor
    """(B, G, 3) turns."""
    offsets: Tensor
    """(B, G, K, 3) points of each patch about its centre; turns."""
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
    normals, spread = _normals(offsets)
    outward = normalize(centres, dim=-1)
    return PatchGeometry(
        size=unit, centres=centres, offsets=offsets,
        points=_point_features(offsets, centres, outward, normals),
        patches=_patch_features(offsets, centres, outward, normals, spread),
        pairs=_pair_features(centres, outward, normals))


def _normals(offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Return normals (B, G, 3) of unknown sign and the spread along the axes (B, G, 3)."""
    about = offsets - offsets.mean(dim=2, keepdim=True)
    covariance = about.transpose(-1, -2) @ about / offsets.shape[2]
    values, vectors = torch.linalg.eigh(covariance)
    return vectors[..., 0], values.clamp(min=0.0).sqrt()


def _point_features(offsets: Tensor, centres: Tensor, outward: Tensor, normals: Tensor) -> Tensor:
    across = (offsets * normals[:, :, None]).sum(-1)  # (B, G, K)
    # The sign of a normal is not known: only what is even in it may be used.
    facing = (normals * outward).sum(-1)[..., None]
    return torch.stack((
        offsets.norm(dim=-1), (offsets * outward[:, :, None]).sum(-1), across.abs(),
        across * facing, (offsets + centres[:, :, None]).norm(dim=-1),
        torch.linalg.cross(offsets, outward[:, :, None].expand_as(offsets)).norm(dim=-1)), dim=-1)


def _patch_features(offsets: Tensor, centres: Tensor, outward: Tensor, normals: Tensor,
                    spread: Tensor) -> Tensor:
    facing = (normals * outward).sum(-1).abs()
    lean = offsets.mean(dim=2).norm(dim=-1)
    return torch.cat((centres.norm(dim=-1, keepdim=True), facing[..., None], spread,
                      lean[..., None]), dim=-1)


def _pair_features(centres: Tensor, outward: Tensor, normals: Tensor) -> Tensor:
    between = centres[:, None] - centres[:, :, None]  # (B, G, G, 3) from i to j
    along = normalize(between, dim=-1)
    radius = centres.norm(dim=-1)
    return torch.stack((
        between.norm(dim=-1), outward @ outward.transpose(1, 2),
        (normals @ normals.transpose(1, 2)).abs(),
        (normals[:, :, None] * along).sum(-1).abs(), (normals[:, None] * along).sum(-1).abs(),
        radius[:, None] - radius[:, :, None]), dim=-1)
