"""Ray casting of meshes and planes: ideal depth images with the owner of each pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.clouds.measures import hull_corners
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.camera import DepthCamera

Window = tuple[slice, slice]
WHOLE: Window = (slice(None), slice(None))
NOTHING = -1
BACKGROUND = -2


class CastBody:
    """A mesh prepared for ray casting: its tree is built once, rays are moved into its frame."""

    def __init__(self, mesh: TriangleMesh) -> None:
        import open3d as o3d  # heavy, and only rays need it
        self._open3d = o3d
        self._scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        self._scene.add_triangles(o3d.core.Tensor(np.ascontiguousarray(mesh.vertices)),
                                  o3d.core.Tensor(mesh.faces.astype(np.uint32)))
        self.hull = hull_corners(mesh.vertices).astype(np.float64)

    def cast(self, camera: DepthCamera, window: Window, T_camera_body: NDArray[np.float64],
             ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return depths of the pixels of a window, inf where missed, and cosines of incidence."""
        rays = camera.pinhole.rays[window]
        R, t = T_camera_body[:3, :3], T_camera_body[:3, 3]
        moved = np.empty((*rays.shape[:-1], 6), dtype=np.float32)
        moved[..., :3] = -R.T @ t
        moved[..., 3:] = rays @ R.astype(np.float32)
        hits = self._scene.cast_rays(self._open3d.core.Tensor(moved), nthreads=1)
        along = np.einsum('...i,...i->...', hits['primitive_normals'].numpy(), moved[..., 3:])
        return hits['t_hit'].numpy(), np.abs(along) / camera.pinhole.ray_lengths[window]


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """A flat rectangle at z = `height_m` of a frame that is level, sides along x and y."""

    half_x_m: float
    half_y_m: float
    height_m: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DepthImage:
    """The image of an ideal depth camera.

    depth_m, cosine (H, W) float32: depth along z (inf where nothing) and cosine of incidence;
    owner (H, W) int16: index of the body, BACKGROUND for a rectangle, NOTHING;
    visible_share (B,): pixels of each body over those without occluders (0 when invisible);
    inside (B,): whether the body projects completely into the image.
    """

    depth_m: NDArray[np.float32]
    cosine: NDArray[np.float32]
    owner: NDArray[np.int16]
    visible_share: NDArray[np.float64]
    inside: NDArray[np.bool_]


class _Canvas:
    """The depth buffer while it is being filled."""

    def __init__(self, camera: DepthCamera) -> None:
        shape = (camera.height, camera.width)
        self.camera = camera
        self.depth_m = np.full(shape, np.inf, dtype=np.float32)
        self.cosine = np.ones(shape, dtype=np.float32)
        self.owner = np.full(shape, NOTHING, dtype=np.int16)

    def draw(self, window: Window, owner: int, depth_m: NDArray[np.float32],
             cosine: NDArray[np.float32]) -> None:
        """Draw pixels that are nearer than those drawn before."""
        nearer = depth_m < self.depth_m[window]
        np.copyto(self.depth_m[window], depth_m, where=nearer)
        np.copyto(self.cosine[window], cosine, where=nearer)
        np.copyto(self.owner[window], np.int16(owner), where=nearer)


def render(camera: DepthCamera, bodies: Sequence[CastBody],
           T_camera_bodies: NDArray[np.float64], rectangles: Sequence[Rectangle] = (),
           T_camera_world: NDArray[np.float64] | None = None) -> DepthImage:
    """Cast every body (poses (B, 4, 4)) and the world's rectangles into one depth image.

    Each body is cast alone, only for the pixels of its bounding rectangle: no tree is rebuilt when
    bodies move, and the unoccluded image of each one is known too.
    """
    canvas = _Canvas(camera)
    for rectangle in rectangles:
        T = np.eye(4) if T_camera_world is None else T_camera_world
        canvas.draw(WHOLE, BACKGROUND, *_cast_rectangle(camera, rectangle, T))
    alone, inside = np.zeros(len(bodies)), np.zeros(len(bodies), dtype=bool)
    for index, (body, T_camera_body) in enumerate(zip(bodies, T_camera_bodies)):
        window, inside[index] = _window(camera, body, T_camera_body)
        depth_m, cosine = body.cast(camera, window, T_camera_body)
        alone[index] = np.isfinite(depth_m).sum()
        canvas.draw(window, index, depth_m, cosine)
    visible = np.bincount(canvas.owner[canvas.owner >= 0], minlength=len(bodies))
    return DepthImage(depth_m=canvas.depth_m, cosine=canvas.cosine, owner=canvas.owner,
                      visible_share=visible / np.maximum(alone, 1), inside=inside)


def _window(camera: DepthCamera, body: CastBody, T_camera_body: NDArray[np.float64],
            ) -> tuple[Window, bool]:
    """Return the image rectangle (rows, columns) around a body, and whether it is complete."""
    corners = body.hull @ T_camera_body[:3, :3].T + T_camera_body[:3, 3]
    in_front = corners[:, 2] > camera.near_m
    if not in_front.any():
        return (slice(0, 0), slice(0, 0)), False
    if not in_front.all():
        return WHOLE, False
    pixels = camera.pinhole.project(corners)
    low, high = np.floor(pixels.min(axis=0)), np.ceil(pixels.max(axis=0)) + 1
    size = np.array([camera.width, camera.height])
    left, top = np.clip(low, 0, size).astype(int)
    right, bottom = np.clip(high, 0, size).astype(int)
    inside = bool((low >= 0).all() and (high <= size).all())
    return (slice(top, bottom), slice(left, right)), inside


def _cast_rectangle(camera: DepthCamera, rectangle: Rectangle,
                    T_camera_world: NDArray[np.float64],
                    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    R, t = T_camera_world[:3, :3].astype(np.float32), T_camera_world[:3, 3]
    eye = (-R.T @ t).astype(np.float32)
    rays = camera.pinhole.rays
    falling = rays @ R[:, 2]
    with np.errstate(divide='ignore', invalid='ignore'):
        depth_m = (np.float32(rectangle.height_m) - eye[2]) / falling
        x = eye[0] + depth_m * (rays @ R[:, 0])
        y = eye[1] + depth_m * (rays @ R[:, 1])
    on_it = (np.abs(x) <= rectangle.half_x_m) & (np.abs(y) <= rectangle.half_y_m)
    depth_m[~(on_it & (depth_m > 0))] = np.inf
    return depth_m, np.abs(falling) / camera.pinhole.ray_lengths
