"""Tables with boxes and cylinders, ray-cast with Open3D as a depth camera measures them."""

import numpy as np
import open3d as o3d

SHAPE = (240, 320)
FOCAL_PX = 285.0


def box(size, position=(0, 0, 0), *, rotation_deg=0.0):
    """A box standing on z = position[2], its centre above position[:2]."""
    mesh = o3d.geometry.TriangleMesh.create_box(*size)
    mesh.translate((-size[0] / 2, -size[1] / 2, 0))
    return placed(np.asarray(mesh.vertices), np.asarray(mesh.triangles), position, rotation_deg)


def cylinder(radius, height, position=(0, 0, 0)):
    mesh = o3d.geometry.TriangleMesh.create_cylinder(radius, height, 48)
    mesh.translate((0, 0, height / 2))
    return placed(np.asarray(mesh.vertices), np.asarray(mesh.triangles), position, 0.0)


def placed(vertices, triangles, position=(0, 0, 0), rotation_deg=0.0):
    c, s = np.cos(np.radians(rotation_deg)), np.sin(np.radians(rotation_deg))
    return vertices @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T + position, triangles


def table(width=1.2, depth=0.9, *, height=0.0):
    return box((width, depth, 0.02), (0, 0, height - 0.02))


def camera(distance=0.9, pitch_deg=40.0, *, target=(0, 0, 0.05)):
    """T_world_camera (4, 4) of a camera that points along +x and down (z forward, y down)."""
    pitch = np.radians(pitch_deg)
    forward = np.array([np.cos(pitch), 0, -np.sin(pitch)])
    right = np.array([0.0, -1.0, 0.0])
    T_world_camera = np.eye(4)
    T_world_camera[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    T_world_camera[:3, 3] = np.array(target) - distance * forward
    return T_world_camera


def see(meshes, T_world_camera, *, noise=0.0012, seed=0):
    """Points (H * W, 3) float32 in the camera's frame, NaN where no mesh is hit, and the hit mesh.

    The noise grows with the square of depth: `noise` is its standard deviation at 1 m.
    """
    scene = o3d.t.geometry.RaycastingScene()
    for vertices, triangles in meshes:
        scene.add_triangles(o3d.core.Tensor(vertices.astype(np.float32)),
                            o3d.core.Tensor(triangles.astype(np.uint32)))
    rows, columns = np.mgrid[:SHAPE[0], :SHAPE[1]]
    directions = np.stack([(columns - SHAPE[1] / 2 + 0.5) / FOCAL_PX,
                           (rows - SHAPE[0] / 2 + 0.5) / FOCAL_PX,
                           np.ones(SHAPE)], axis=-1).reshape(-1, 3)
    origins = np.broadcast_to(T_world_camera[:3, 3], directions.shape)
    rays = np.hstack([origins, directions @ T_world_camera[:3, :3].T]).astype(np.float32)
    hits = scene.cast_rays(o3d.core.Tensor(rays))
    depth = hits['t_hit'].numpy().astype(np.float64)
    hit = np.isfinite(depth)
    depth[~hit] = np.nan
    depth += np.random.default_rng(seed).normal(size=depth.shape) * noise * depth ** 2
    meshes_hit = np.where(hit, hits['geometry_ids'].numpy().astype(np.int64), -1)
    return (directions * depth[:, None]).astype(np.float32), meshes_hit
