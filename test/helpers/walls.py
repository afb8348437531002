"""Organised clouds of a flat wall with known noise, before which objects may stand."""

import numpy as np
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import Rectangle, render

CAMERA = DepthCamera(width=320, height=240, fx=300.0, fy=300.0, cx=159.5, cy=119.5)
QUIET = SensorErrors(profile='custom', lateral_px=0.0)


def wall_depths(errors, depths_m, *, tilt_deg=12.0, seed=0, screens=()):
    """Yield depth images (H, W) of a wall, its middle at each of some depths.

    `screens` are (half_x_m, half_y_m, height_m) of rectangles before it.
    """
    rectangles = [Rectangle(half_x_m=4, half_y_m=4), *(
        Rectangle(half_x_m=x, half_y_m=y, height_m=height) for x, y, height in screens)]
    for index, depth_m in enumerate(depths_m):
        T = np.eye(4)
        T[:3, :3] = Rotation.from_euler('xy', [180 - tilt_deg, tilt_deg / 3],
                                        degrees=True).as_matrix()
        T[2, 3] = depth_m
        image = render(CAMERA, [], np.zeros((0, 4, 4)), rectangles, T)
        yield measure(image, errors, np.random.default_rng([seed, index]), near_m=0.2, far_m=5.0)


def wall_clouds(errors, depths_m, **options):
    """Yield the clouds of `wall_depths`."""
    for depth_m in wall_depths(errors, depths_m, **options):
        yield PointCloud.from_depth(depth_m, CAMERA.pinhole)
