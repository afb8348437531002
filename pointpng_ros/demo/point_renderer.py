"""Pictures of a cloud and of posed models from any viewpoint, by a small point renderer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
import open3d as o3d
from scipy.spatial.transform import Rotation

from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.rendering import CastBody, render

Colours = NDArray[np.float32]
BACKGROUND_RGB = (0.055, 0.065, 0.085)
_NORMAL_NEIGHBOURS = 24
_MARGIN = 1.22


@dataclass(frozen=True, kw_only=True)
class Viewpoint:
    """A virtual camera and its pose: T_view_cloud (4, 4)."""

    camera: DepthCamera
    T_view_cloud: NDArray[np.float64]

    def moved(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the points (N, 3) of the cloud's frame in the view's frame."""
        T = self.T_view_cloud.astype(np.float32)
        return points @ T[:3, :3].T + T[:3, 3]

    def pixels(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the image coordinates (N, 2) of points of the cloud's frame."""
        return self.camera.pinhole.project(self.moved(points).astype(np.float64))


@dataclass(frozen=True, kw_only=True)
class ShadedCloud:
    """Points (N, 3) with unit normals (N, 3) towards the sensor and colours (N, 3) in [0, 1]."""

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    colours: Colours


@dataclass(frozen=True, kw_only=True)
class PosedModels:
    """Models to draw: bodies (B), their poses (B, 4, 4) in the cloud's frame, colours (B, 3)."""

    bodies: Sequence[CastBody]
    T_cloud_bodies: NDArray[np.float64]
    colours: Colours

    def hulls(self) -> NDArray[np.float32]:
        """Return the corners (N, 3) of all models in the cloud's frame."""
        placed = [body.hull @ T[:3, :3].T + T[:3, 3]
                  for body, T in zip(self.bodies, self.T_cloud_bodies)]
        return np.concatenate([np.empty((0, 3)), *placed]).astype(np.float32)


def fitted_view(T_view_cloud: NDArray[np.float64], points: NDArray[np.float32], *,
                width: int, height: int) -> Viewpoint:
    """Return a virtual camera at a given pose, zoomed and centred to show points (N, 3)."""
    camera = DepthCamera(width=width, height=height, near_m=0.0, far_m=1e3)
    moved = Viewpoint(camera=camera, T_view_cloud=T_view_cloud).moved(points)
    flat = moved[:, :2] / np.maximum(moved[:, 2:], 0.05)
    low, high = flat.min(axis=0), flat.max(axis=0)
    span, middle = np.maximum((high - low) * _MARGIN, 1e-3), (low + high) / 2
    focal = float(min(width / span[0], height / span[1]))
    camera = replace(camera, fx=focal, fy=focal, cx=float(width / 2 - focal * middle[0]),
                     cy=float(height / 2 - focal * middle[1]))
    return Viewpoint(camera=camera, T_view_cloud=T_view_cloud)


def orbit_pose(*, centre: NDArray[np.float64], up: NDArray[np.float64], rotation_deg: float,
               tilt_deg: float) -> NDArray[np.float64]:
    """Return T_view_cloud (4, 4): the sensor's view rotated about `up` at `centre`, raised."""
    rotation = Rotation.from_rotvec(np.radians(rotation_deg) * up)
    right = rotation.apply([1.0, 0.0, 0.0])
    R_cloud_view = (Rotation.from_rotvec(np.radians(-tilt_deg) * right) * rotation).as_matrix()
    T_view_cloud = np.eye(4)
    T_view_cloud[:3, :3] = R_cloud_view.T
    T_view_cloud[:3, 3] = centre - R_cloud_view.T @ centre
    return T_view_cloud


def shade(points: NDArray[np.float32], colours: Colours) -> ShadedCloud:
    """Estimate normals from the nearest neighbours of each point (N, 3) seen from the origin."""
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points.astype(np.float64)))
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(_NORMAL_NEIGHBOURS))
    cloud.orient_normals_towards_camera_location(np.zeros(3))
    return ShadedCloud(points=points, normals=np.asarray(cloud.normals).astype(np.float32),
                       colours=colours)


def splat(view: Viewpoint, cloud: ShadedCloud, *, size_m: float,
          ) -> tuple[Colours, NDArray[np.float32]]:
    """Draw every point as a square of `size_m`; returns image (H, W, 3) and depth (H, W).

    Colours are lit from beside the viewer; depth is inf where nothing was drawn.
    """
    camera, moved = view.camera, view.moved(cloud.points)
    order = np.argsort(-moved[:, 2])
    order = order[moved[order, 2] > 0.05]
    moved, lit = moved[order], _lit(view, cloud)[order]
    corner = np.floor(camera.pinhole.project(moved.astype(np.float64)) + 0.5).astype(np.int64)
    sizes = np.clip(np.ceil(camera.fx * size_m / moved[:, 2]), 1, 6).astype(np.int64)
    image = np.tile(np.array(BACKGROUND_RGB, dtype=np.float32), (camera.height, camera.width, 1))
    depth_m = np.full((camera.height, camera.width), np.inf, dtype=np.float32)
    owner = _nearest_point(camera, corner, sizes)
    hit = owner >= 0
    image[hit], depth_m[hit] = lit[owner[hit]], moved[owner[hit], 2]
    return image, depth_m


def model_layer(view: Viewpoint, models: PosedModels,
                ) -> tuple[Colours, NDArray[np.float32], NDArray[np.int16]]:
    """Ray-cast models; return image (H, W, 3), depth (H, W), owner (H, W), -1 for none."""
    image = render(view.camera, models.bodies, view.T_view_cloud @ models.T_cloud_bodies)
    painted = np.zeros((*image.owner.shape, 3), dtype=np.float32)
    hit = image.owner >= 0
    painted[hit] = models.colours[image.owner[hit]] * _brightness(image.cosine[hit])[:, None]
    return painted, image.depth_m, image.owner


def outlines(owner: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the pixels of a model (H, W) that border another one or none."""
    edge = np.zeros(owner.shape, dtype=bool)
    edge[:, 1:] |= owner[:, 1:] != owner[:, :-1]
    edge[:, :-1] |= owner[:, 1:] != owner[:, :-1]
    edge[1:] |= owner[1:] != owner[:-1]
    edge[:-1] |= owner[1:] != owner[:-1]
    return edge & (owner >= 0)


def _lit(view: Viewpoint, cloud: ShadedCloud) -> Colours:
    R = view.T_view_cloud[:3, :3].astype(np.float32)
    light = np.array([0.35, -0.45, -0.82], dtype=np.float32)
    cosine = np.abs(cloud.normals @ R.T @ light)
    return cloud.colours * _brightness(cosine)[:, None]


def _brightness(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(0.30) + np.float32(0.70) * np.clip(cosine, 0, 1)


def _nearest_point(camera: DepthCamera, corner: NDArray[np.int64],
                   sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index (H, W) of the point drawn last, -1 for none; points come far to near."""
    owner = np.full((camera.height, camera.width), -1, dtype=np.int64)
    for row in range(int(sizes.max(initial=0))):
        for column in range(int(sizes.max(initial=0))):
            x, y = corner[:, 0] + column - sizes // 2, corner[:, 1] + row - sizes // 2
            drawn = (sizes > max(row, column)) & (x >= 0) & (x < camera.width) \
                & (y >= 0) & (y < camera.height)
            index = np.nonzero(drawn)[0]
            np.maximum.at(owner, (y[index], x[index]), index)
    return owner
