"""Sequences of objects on a table as a depth camera measures them, and poses near the true one."""

from collections.abc import Sequence
import functools

import numpy as np
from scipy.spatial.transform import Rotation

from helpers.objects import CAMERA, pose, random_rotation_matrix, view
from pointpng_core.estimation.types import Hypothesis, PoseEstimate
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import CastBody, Rectangle, render
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.tracking.tracks import Tracks

TABLE = (Rectangle(half_x_m=0.6, half_y_m=0.45),)
T_CAMERA_WORLD = np.linalg.inv(pose(
    Rotation.from_euler('x', -125, degrees=True).as_matrix(), (0.0, -0.7, 0.55)))
PLACE = (0.05, -0.03, 0.6)


@functools.cache
def body(name):
    return CastBody(make_object(name).mesh)


def standing(name, x, y, rotation_deg=0.0):
    """(name, T_world_object) of an upright object, its box centred at (x, y) on the table."""
    kind = make_object(name)
    R = Rotation.from_euler('z', rotation_deg, degrees=True).as_matrix() @ kind.rests[0]
    vertices = kind.mesh.vertices @ R.T
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return name, pose(R, (x - (low[0] + high[0]) / 2, y - (low[1] + high[1]) / 2, -low[2]))


def shoot(objects: Sequence, seed=0):
    """The cloud (N, 3) of objects (name, T_world_object) on a table, with a Kinect's noise."""
    T_objects = np.array([T_CAMERA_WORLD @ T for _, T in objects]).reshape(-1, 4, 4)
    image = render(CAMERA, [body(name) for name, _ in objects], T_objects, TABLE, T_CAMERA_WORLD)
    depth_m = measure(image, SensorErrors(), np.random.default_rng(seed), near_m=0.0, far_m=100.0)
    return CAMERA.pinhole.backproject(depth_m).reshape(-1, 3)


def visible(name, seed=1):
    """A random pose (4, 4) of an object at PLACE, and the visible points (N, 3), with noise."""
    T = pose(random_rotation_matrix(seed), PLACE)
    return T, view(make_object(name).mesh, T, noise=1.0, seed=seed)


def perturbed(T, degrees, shift_m, reference, seed=0):
    """A pose rotated about the reference's centre and shifted, in random directions."""
    rng = np.random.default_rng(seed)
    axis, way = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    centre = T[:3, :3] @ reference.centre + T[:3, 3]
    R = Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix()
    return pose(R @ T[:3, :3], centre + shift_m * way - R @ T[:3, :3] @ reference.centre)


def estimate(T, score=0.9, name='drill', others=()):
    """An estimate whose runners-up are `others`, given as (T, score)."""
    return PoseEstimate(T_observation_reference=T, score=score, residual_m=0.001, name=name,
                        inlier_share=score, ambiguous=False, runners_up=tuple(
                            Hypothesis(T_observation_reference=T_other, score=own,
                                       residual_m=0.001, inlier_share=own)
                            for T_other, own in others))


def started_tracks(reference, config, *names_and_poses):
    """Tracks of objects that were found at these poses at 0 s."""
    tracks = Tracks()
    tracks.begin_frame(0.0, config)
    for name, T in names_and_poses:
        tracks.start(estimate(T, name=name), reference(name), check_every=10)
    return tracks
