"""Rendered views of a reference from all around, whole and partly occluded, each embedded in its
own frame.
"""

from collections.abc import Sequence
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
OCCLUDED_SHARE = 0.5
"""Share of a view's points that an occluded view keeps: matches objects of which .3 to .8 are
visible (true masks of the shared clutter frames)."""


@dataclass(frozen=True, kw_only=True)
class ViewBank:
    """V rendered views of a reference, and W >= V of which all but the first V are occluded.

    Coordinates: the reference's, about its centre.
    """

    directions: Tensor
    """(V, 3) from the reference's centre to the camera."""
    R_view_reference: Tensor
    """(W, 3, 3) into the view frame: z from the visible centroid to the camera."""
    centroids: Tensor
    """(W, 3) of the visible points, metres."""
    embeddings: Tensor
    """(W, d) of the visible points about their centroid, in the view frame."""
    visible: Tensor
    """(V, K) which of the reference's probe points are visible."""

    @property
    def whole_embeddings(self) -> Tensor:
        """Return the embeddings (V, d) of the views that nothing occludes."""
        return self.embeddings[:len(self.directions)]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the tensors as arrays by name, for the cache."""
        return {name: tensor.cpu().numpy() for name, tensor in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]], device: torch.device
                    ) -> 'ViewBank':
        """Build from the result of `arrays`."""
        names = cls.__dataclass_fields__
        return cls(**{name: torch.from_numpy(arrays[name]).to(device) for name in names})


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """How views are rendered and embedded: from each direction (V, 3), by a camera at a distance.

    Every `occlusion_step`-th view is also embedded occluded, in `occlusions` ways.
    """

    directions: NDArray[np.float64]
    distance_m: float
    occlusion_step: int
    occlusions: int
    sample: int
    """Visible points of a view that are embedded."""


@torch.inference_mode()
def render_views(points: NDArray[np.float32], probes: NDArray[np.int64], *,
                 normals: NDArray[np.float32], outward: bool, spacing_m: float, diameter_m: float,
                 encoder: Encoder, rendering: Rendering, device: torch.device) -> ViewBank:
    """Render points (N, 3), about the centre, and embed the views.

    `outward`: the normals (N, 3) are known to point outwards. `probes` (K,) are the points whose
    visibility is stored.
    """
    cameras = rendering.directions * rendering.distance_m
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
    clouds = [points[mask] for mask in masks]
    parts, owners = _occluded(clouds, cameras, rendering)
    clouds, cameras = clouds + parts, np.concatenate((cameras, cameras[owners]))
    centroids = np.stack([cloud.mean(axis=0) for cloud in clouds])
    towards = cameras - centroids
    R = view_frames(towards / np.linalg.norm(towards, axis=1, keepdims=True))
    samples = np.stack([(random_points(cloud, rendering.sample) - centroid) @ R_view.T
                        for cloud, centroid, R_view in zip(clouds, centroids, R)])
    scaled = torch.from_numpy(samples / diameter_m).float().to(device)
    embeddings = torch.cat([encoder.encode(chunk) for chunk in scaled.split(64)])
    return ViewBank(directions=_tensor(rendering.directions[kept], device),
                    R_view_reference=_tensor(R, device), centroids=_tensor(centroids, device),
                    embeddings=embeddings, visible=torch.from_numpy(visible[:, probes]).to(device))


def _occluded(clouds: Sequence[NDArray[np.float32]], cameras: NDArray[np.float64],
              rendering: Rendering) -> tuple[list[NDArray[np.float32]], list[int]]:
    """Return what is left of some views (N, 3) behind occluders, and the index of each view.

    An occluder has a straight edge, across or along the view's longest direction. Parts of too few
    points are left out.
    """
    parts, owners = [], []
    for index in range(0, len(clouds), rendering.occlusion_step):
        for part in _cut(clouds[index], cameras[index], rendering.occlusions):
            if len(part) >= MIN_VISIBLE:
                parts.append(part)
                owners.append(index)
    return parts, owners


def _cut(cloud: NDArray[np.float32], camera: NDArray[np.float64], count: int
         ) -> list[NDArray[np.float32]]:
    """Return the OCCLUDED_SHARE of a view (N, 3) on one side of each of `count` straight edges."""
    R = view_frames(camera[None] / np.linalg.norm(camera))[0]
    flat = (cloud - cloud.mean(axis=0)) @ R[:2].T
    longest = np.linalg.eigh(flat.T @ flat)[1][:, 1]
    first = np.arctan2(longest[1], longest[0])
    angles = first + 2 * np.pi * np.arange(count) / max(count, 1)
    along = flat @ np.stack((np.cos(angles), np.sin(angles)))
    edges = np.quantile(along, OCCLUDED_SHARE, axis=0)
    return [cloud[along[:, column] <= edges[column]] for column in range(count)]


def all_around(count: int) -> NDArray[np.float64]:
    """Return `count` directions (count, 3) evenly over the sphere."""
    return fibonacci_directions(count, dtype=torch.float64).numpy()


def _tensor(array: NDArray[np.floating], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).float().to(device)
