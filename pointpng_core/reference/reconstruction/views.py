"""The view of the object in one cloud: its points in a frame that stands on the table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import estimate_normals, voxel_downsample
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.reference.reconstruction.planar_icp import Floats, SurfacePatch
from pointpng_core.segmentation import SegmenterConfig, segment_scene
from pointpng_core.segmentation.plane_detection import Plane

GRAZING_COS = 0.3
"""Surfaces at more grazing angles (above 73 degrees) are mostly flying pixels at edges."""
MIN_POINTS = 80
MERGE_DISTANCE_M = 0.01
"""Segments nearer than this, projected onto the table, belong to one object."""
FOOTPRINT_VOXEL_M = 0.005
NEIGHBOURS = 24
"""Points that a normal is fitted to; with fewer, noise makes any rotation seem observable."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """The surface of the object that is visible in one cloud."""

    time_s: float
    """Time of recording; later than that of the view before."""
    patch: SurfacePatch
    """Its surface in the table frame of this cloud."""
    camera: Floats
    """(3,) position of the camera in that frame."""


def extract_view(time_s: float, points: NDArray[np.floating], *, near: Floats | None,
                 config: SegmenterConfig, voxel_m: float,
                 image_shape: tuple[int, int] | None = None) -> tuple[View, Floats]:
    """Return the view of one object in a cloud (N, 3), and the middle (3,) of its points.

    The segment whose middle is nearest to `near` (3,) in the frame of the cloud is taken, without
    it the largest, together with segments above or below it: parts that the object itself
    occludes in between. Raises CloudError without a table, an object on it, or enough points.
    """
    scene = segment_scene(points, config=config, image_shape=image_shape,
                          depth_noise=KINECT_NOISE)
    if scene.plane is None:
        raise CloudError(f'no table is visible: {scene.support.reason}')
    if not scene.segments:
        raise CloudError('nothing stands on the table')
    T_table_camera = table_frame(scene.plane)
    points = _object_points([segment.points for segment in scene.segments], near, T_table_camera)
    patch = _patch(points, voxel_m).moved(T_table_camera)
    middle: Floats = points.mean(axis=0, dtype=np.float64)
    return View(time_s=time_s, patch=patch, camera=T_table_camera[:3, 3].copy()), middle


def _object_points(segments: Sequence[NDArray[np.float32]], near: Floats | None,
                   T_table_camera: Floats) -> NDArray[np.float32]:
    """Return the points (N, 3) of the chosen segment and of those above or below it."""
    start = 0 if near is None else int(np.argmin(
        [np.linalg.norm(points.mean(axis=0) - near) for points in segments]))
    flat = [voxel_downsample(points, FOOTPRINT_VOXEL_M) @ T_table_camera[:2, :3].T
            for points in segments]
    tree = cKDTree(flat[start])
    return np.concatenate([points for points, places in zip(segments, flat)
                           if tree.query(places)[0].min() < MERGE_DISTANCE_M])


def table_frame(plane: Plane) -> Floats:
    """Return T_table_camera (4, 4): z up, the table at z = 0, x as in the image, camera above."""
    z = np.asarray(plane.normal, np.float64)
    x = np.array([1.0, 0.0, 0.0]) - z[0] * z
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = [x, np.cross(z, x), z]
    T[2, 3] = plane.offset_m
    return T


def _patch(points: NDArray[np.float32], voxel_m: float) -> SurfacePatch:
    """Return the surface of a segment (N, 3), camera frame, without points at grazing angles."""
    thin = voxel_downsample(points, voxel_m)
    if len(thin) < MIN_POINTS:
        raise CloudError(f'only {len(thin)} points of {voxel_m * 1e3:.1f} mm show the object')
    normals = estimate_normals(thin, neighbours=NEIGHBOURS, viewpoint=np.zeros(3))
    rays = thin / np.linalg.norm(thin, axis=1, keepdims=True)
    kept = -np.einsum('ij,ij->i', rays, normals) > GRAZING_COS
    if kept.sum() < MIN_POINTS:
        raise CloudError('the object is visible at too grazing an angle')
    return SurfacePatch(points=thin[kept].astype(np.float64),
                        normals=normals[kept].astype(np.float64))
