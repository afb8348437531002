"""Depth images of objects at known poses as the judgement by pixels needs them."""

from dataclasses import replace

import numpy as np

from helpers.objects import pose, random_rotation_matrix
from helpers.references import CONFIG, CountingBuilder
from pointpng_core.estimation.pixels import DepthView
from pointpng_core.geometry import Symmetry
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.rendering import CastBody, Rectangle, render

CAMERA = DepthCamera(width=640, height=480, fx=525.0, fy=525.0, cx=319.5, cy=239.5, near_m=0.0,
                     far_m=100.0)
SIGMA_M = 0.001
PLACE = (0.04, -0.02, 0.6)
WALL_M = 0.9
BEHIND = pose(t=(0.0, 0.0, WALL_M))
WALL = (Rectangle(half_x_m=5.0, half_y_m=5.0),)


def dense(mesh, name='x', points=6000):
    """The reference of a mesh: its surface counts, its few views do not."""
    config = replace(CONFIG, surface_points=points, views=4)
    return CountingBuilder(config).from_model(mesh, name=name, symmetry=Symmetry())


def placed(seed=1, t=PLACE):
    """A random pose (4, 4) in the middle of the image."""
    return pose(random_rotation_matrix(seed), t)


def image_of(*objects, rectangles=WALL, T_camera_world=BEHIND, camera=CAMERA):
    """The ideal image of meshes at poses, given as (mesh, T), before a wall."""
    return render(camera, [CastBody(mesh) for mesh, _ in objects],
                  np.array([T for _, T in objects]).reshape(-1, 4, 4), rectangles, T_camera_world)


def cloud_of(image, *, noise_m=0.0, seed=0, camera=CAMERA):
    """Points (H * W, 3) of an image with Gaussian noise, independent for each pixel."""
    noise = np.random.default_rng(seed).normal(size=image.depth_m.shape) * noise_m
    depth_m = np.where(np.isfinite(image.depth_m), image.depth_m + noise, np.nan)
    return camera.pinhole.backproject(depth_m.astype(np.float32)).reshape(-1, 3)


def view_of(*objects, noise_m=0.0, seed=0, sigma_m=SIGMA_M, **options):
    """What a camera of this noise sees of meshes at poses, given as (mesh, T)."""
    points = cloud_of(image_of(*objects, **options), noise_m=noise_m, seed=seed)
    shape = CAMERA.height, CAMERA.width
    return DepthView.of(points, shape, np.full(len(points), sigma_m))


def evidence_of(judge, view, *names_and_poses):
    """The evidence for poses of references, given as (name, T)."""
    return judge.evidence(posed(judge, *names_and_poses), view)


def posed(judge, *names_and_poses):
    """Poses of references, given as (name, T)."""
    names, poses = zip(*names_and_poses)
    return judge.posed(names, poses)


def poses_of(posed_objects):
    """Poses (n, 4, 4) in double precision."""
    return posed_objects.T_camera_object.double().numpy()
