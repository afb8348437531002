"""Objects for the tests of the core: poses, full surfaces and simulated single views."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import CastBody, render
from pointpng_core.simulation.shapes.catalogue import make_object

CAMERA = DepthCamera(width=320, height=240, fx=262.5, fy=262.5, cx=159.5, cy=119.5, near_m=0.0,
                     far_m=100.0)


def random_rotation_matrix(seed):
    """A rotation matrix (3, 3)."""
    return Rotation.random(random_state=seed).as_matrix()


def pose(R=None, t=(0.0, 0.0, 0.0)):
    """A transform (4, 4); without arguments the identity."""
    T = np.eye(4)
    T[:3, :3] = np.eye(3) if R is None else R
    T[:3, 3] = t
    return T


def apart_deg(T_a, T_b):
    """Angle between the rotations of two poses."""
    return np.degrees(Rotation.from_matrix(T_a[:3, :3].T @ T_b[:3, :3]).magnitude())


def moved(T, points):
    """Points (N, 3) moved by T (4, 4), in their own dtype."""
    return (points.astype(np.float64) @ T[:3, :3].T + T[:3, 3]).astype(points.dtype)


def whole(name, count=2000, seed=1):
    """Points (count, 3) sampled from the full surface of a catalogue object."""
    return sample_surface(make_object(name).mesh, count, seed=seed)[0]


def view(mesh, T_camera_object, *, noise=0.0, seed=0, camera=CAMERA):
    """Points (N, 3) of an object as a camera at the origin sees it, alone."""
    image = render(camera, [CastBody(mesh)], T_camera_object[None])
    depth_m = measure(image, SensorErrors().scaled(noise), np.random.default_rng(seed),
                      near_m=0.0, far_m=100.0)
    points = camera.pinhole.backproject(depth_m).reshape(-1, 3)
    return points[np.isfinite(points).all(axis=1)]


def boxes(*extents):
    """A mesh of axis-aligned boxes, each given as (low, high) corners; normals outwards."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    sides = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4],
                      [1, 5, 7, 3]])
    triangles = np.concatenate((sides[:, :3], sides[:, [0, 2, 3]]))
    vertices = [np.array(low) + corners * (np.array(high) - np.array(low))
                for low, high in extents]
    faces = [triangles + 8 * index for index in range(len(extents))]
    return TriangleMesh(vertices=np.concatenate(vertices).astype(np.float32),
                        faces=np.concatenate(faces).astype(np.int32))


def joined(parts):
    """All hypotheses of several batches, of one observation, in one."""
    return replace(Hypotheses.concatenated(parts), shape=(1, sum(map(len, parts))))
