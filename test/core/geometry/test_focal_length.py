"""The focal length of an organised cloud: holes, noise in depth, lens distortion, nothing."""

import numpy as np
import pytest

from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.clouds.focal_length import focal_length_px
from pointpng_core.geometry.pinhole import PinholeCamera


def cloud(camera, seed=0):
    """A wall with steps and noise, a third of it without readings."""
    rng = np.random.default_rng(seed)
    depth_m = rng.choice([0.5, 0.8, 3.0], size=(1, camera.width)) * np.ones((camera.height, 1))
    depth_m += rng.normal(size=depth_m.shape) * 0.01
    return PointCloud.from_depth(depth_m, camera, mask=rng.random(depth_m.shape) < 0.67)


def camera(width, height, fx, fy, distortion=()):
    return PinholeCamera(width=width, height=height, fx=fx, fy=fy, cx=0.45 * width,
                         cy=0.52 * height, distortion=distortion)


@pytest.mark.parametrize(('width', 'height', 'focal_px'), [
    (640, 480, 575.0), (320, 240, 287.5), (1280, 720, 900.0), (31, 17, 40.0)])
def test_it_is_that_of_the_camera(width, height, focal_px):
    found = cloud(camera(width, height, focal_px, focal_px))
    assert focal_length_px(found.points, found.image_shape) == pytest.approx(focal_px, rel=1e-3)


def test_pixels_that_are_not_square_and_a_lens_give_about_the_mean():
    found = cloud(camera(640, 480, 570.0, 580.0))
    assert 569.0 < focal_length_px(found.points, found.image_shape) < 581.0
    found = cloud(camera(640, 480, 575.0, 575.0, (0.12, -0.2, 0.001, -0.001, 0.0)))
    assert focal_length_px(found.points, found.image_shape) == pytest.approx(575.0, rel=0.1)


@pytest.mark.parametrize('points', [np.full((48, 3), np.nan), np.zeros((48, 3)),
                                    np.eye(48, 3), np.ones((48, 3))],
                         ids=['no readings', 'all at the origin', 'single pixels', 'one point'])
def test_without_readings_side_by_side_there_is_none(points):
    for shape in ((6, 8), (48, 1), (1, 48)):
        assert focal_length_px(points, shape) == 0.0
