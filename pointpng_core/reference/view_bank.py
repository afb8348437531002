"""Rendered views of a reference from all around, each embedded in its own frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.embedding.protocols import Encoder
from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.clouds.visibility import (
    view_frames,
    visible_or_grazing_points,
    visible_points,
)
from pointpng_core.geometry.so3 import fibonacci_directions

MIN_VISIBLE = 16
"""Views with fewer visible points are left out."""


@dataclass(frozen=True, kw_only=True)
class ViewBank:
    """V rendered views of a reference. Coordinates: the reference's, about its centre."""

    directions: Tensor
    """(V, 3) from the reference's centre to the camera."""
    R_view_reference: Tensor
    """(V, 3, 3) into the view frame: z from the visible centroid to the camera."""
    centroids: Tensor
    """(V, 3) of the visible points, metres."""
    embeddings: Tensor
    """(V, d) of the visible points about their centroid, in the view frame."""
    visible: Tensor
    """(V, K) which of the reference's probe points are visible."""

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the tensors as arrays by name, for the cache."""
        return {name: tensor.cpu().numpy() for name, tensor in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]], device: torch.device
                    ) -> 'ViewBank':
        """Build from the result of `arrays`."""
        names = cls.__dataclass_fields__
        return cls(**{name: torch.from_numpy(arrays[name]).to(device) for name in names})


@torch.inference_mode()
def render_views(points: NDArray[np.float32], probes: NDArray[np.int64], *,
                 normals: NDArray[np.float32], outward: bool, spacing_m: float, diameter_m: float,
                 encoder: Encoder, directions: NDArray[np.float64], distance_diameters: float,
                 sample: int, device: torch.device) -> ViewBank:
    """Render points (N, 3), about the centre, from each direction (V, 3), and embed the views.

    The distance of the camera is `distance_diameters`. `outward`: the normals (N, 3) are known to
    point outwards. `probes` (K,) are the points whose visibility is stored. `sample` visible
    points of each view are embedded.
    """
    cameras = directions * distance_diameters * diameter_m
    visible = np.stack([visible_points(points, camera, spacing_m=spacing_m,
                                       normals=normals if outward else None)
                        for camera in cameras])
    kept = visible.sum(axis=1) >= MIN_VISIBLE
    visible, cameras = visible[kept], cameras[kept]
    # Verification needs points that are certainly visible, an embedding all that may be measured.
    # For a mesh, which is dense and has outward normals, both are nearly the same.
    masks = visible if outward else np.stack([
        visible_or_grazing_points(points, camera, spacing_m=spacing_m, normals=normals)
        for camera in cameras])
    centroids = np.stack([points[mask].mean(axis=0) for mask in masks])
    towards = cameras - centroids
    R = view_frames(towards / np.linalg.norm(towards, axis=1, keepdims=True))
    clouds = np.stack([(random_points(points[mask], sample) - centroid) @ R_view.T
                       for mask, centroid, R_view in zip(masks, centroids, R)])
    scaled = torch.from_numpy(clouds / diameter_m).float().to(device)
    embeddings = torch.cat([encoder.encode(chunk) for chunk in scaled.split(64)])
    return ViewBank(directions=_tensor(directions[kept], device),
                    R_view_reference=_tensor(R, device), centroids=_tensor(centroids, device),
                    embeddings=embeddings, visible=torch.from_numpy(visible[:, probes]).to(device))


def all_around(count: int) -> NDArray[np.float64]:
    """Return `count` directions (count, 3) evenly over the sphere."""
    return fibonacci_directions(count, dtype=torch.float64).numpy()


def _tensor(array: NDArray[np.floating], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).float().to(device)
