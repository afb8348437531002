"""One cloud's look at the object: its points in a frame that stands on the table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import estimate_normals, voxel_downsample
from pointpng_core.reference.reconstruction.planar_icp import Floats, Patch
from pointpng_core.segmentation import SegmenterConfig, segment_scene
from pointpng_core.segmentation.plane_detection import Plane

GRAZING_COS = 0.3
"""Surfaces seen at a flatter angle (73 degrees) are mostly flying pixels at edges."""
LEAST_POINTS = 80
APART_M = 0.01
"""Parts nearer than this, seen from above, belong to one object."""
FLAT_M = 0.005
NEIGHBOURS = 24
"""That a normal is fitted to: with fewer, noise of normals looks like a turn that can be told."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What one cloud shows of the object."""

    time_s: float
    """Of its recording; later than that of the look before."""
    patch: Patch
    """Its surface in the table frame of this cloud."""
    camera: Floats
    """(3,) where the camera is, in that frame."""


def take_look(time_s: float, points: NDArray[np.floating], *, near: Floats | None,
              config: SegmenterConfig, voxel_m: float,
              image_shape: tuple[int, int] | None = None) -> tuple[Look, Floats]:
    """Return the look at one object of a cloud (N, 3), and the middle (3,) of its points.

    The segment whose middle is nearest to `near` (3,) in the frame of the cloud is taken, without
    it the largest, and with it what stands above or below it: parts that the object's own parts
    cut off from view. Raises CloudError: no table, nothing on it, or too little of it.
    """
    scene = segment_scene(points, config=config, image_shape=image_shape)
    if scene.plane is None:
        raise CloudError('no table is seen')
    if not scene.segments:
        raise CloudError('nothing stands on the table')
    T_table_camera = table_frame(scene.plane)
    points = _object_points([segment.points for segment in scene.segments], near, T_table_camera)
    patch = _patch(points, voxel_m).moved(T_table_camera)
    middle: Floats = points.mean(axis=0, dtype=np.float64)
    return Look(time_s=time_s, patch=patch, camera=T_table_camera[:3, 3].copy()), middle


def _object_points(segments: Sequence[NDArray[np.float32]], near: Floats | None,
                   T_table_camera: Floats) -> NDArray[np.float32]:
    """Return the points (N, 3) of the chosen segment and of those in reach, seen from above."""
    start = 0 if near is None else int(np.argmin(
        [np.linalg.norm(points.mean(axis=0) - near) for points in segments]))
    flat = [voxel_downsample(points, FLAT_M) @ T_table_camera[:2, :3].T for points in segments]
    tree = cKDTree(flat[start])
    return np.concatenate([points for points, places in zip(segments, flat)
                           if tree.query(places)[0].min() < APART_M])


def table_frame(plane: Plane) -> Floats:
    """Return T_table_camera (4, 4): z up, the table at z = 0, x as in the image, camera above."""
    z = np.asarray(plane.normal, np.float64)
    x = np.array([1.0, 0.0, 0.0]) - z[0] * z
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = [x, np.cross(z, x), z]
    T[2, 3] = plane.offset_m
    return T


def _patch(points: NDArray[np.float32], voxel_m: float) -> Patch:
    """Return the surface of a segment (N, 3), camera frame, without what is seen at an edge."""
    thin = voxel_downsample(points, voxel_m)
    if len(thin) < LEAST_POINTS:
        raise CloudError(f'only {len(thin)} points of {voxel_m * 1e3:.1f} mm show the object')
    normals = estimate_normals(thin, neighbours=NEIGHBOURS, viewpoint=np.zeros(3))
    rays = thin / np.linalg.norm(thin, axis=1, keepdims=True)
    kept = -np.einsum('ij,ij->i', rays, normals) > GRAZING_COS
    if kept.sum() < LEAST_POINTS:
        raise CloudError('the object is seen at too flat an angle')
    return Patch(points=thin[kept].astype(np.float64), normals=normals[kept].astype(np.float64))
