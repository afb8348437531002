"""Intrinsics and lens distortion against loops of their own, OpenCV, and the way back."""

import math

import numpy as np
import pytest

from pointpng_core.errors import ConfigError
from pointpng_core.geometry.pinhole import PinholeCamera

LENSES = {'none': (), 'plumb_bob': (0.12, -0.25, 0.0012, -0.0007, 0.08),
          'four': (-0.2, 0.05, -0.001, 0.002),
          'rational': (0.4, -2.1, 0.0006, -0.0002, 1.3, 0.3, -1.9, 1.2)}


def camera_of(lens):
    return PinholeCamera(width=64, height=48, fx=57.0, fy=55.0, cx=30.5, cy=24.25,
                         distortion=LENSES[lens])


def pixel_of(point, camera):
    """One pixel by the formulas of OpenCV's documentation, number by number."""
    k1, k2, p1, p2, k3, k4, k5, k6 = (*camera.distortion, *(8 - len(camera.distortion)) * (0.0,))
    x, y = point[0] / point[2], point[1] / point[2]
    r2 = x * x + y * y
    radial = (1 + k1 * r2 + k2 * r2 ** 2 + k3 * r2 ** 3) / (
        1 + k4 * r2 + k5 * r2 ** 2 + k6 * r2 ** 3)
    seen_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    seen_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return camera.fx * seen_x + camera.cx, camera.fy * seen_y + camera.cy


@pytest.mark.parametrize('lens', LENSES)
def test_projection_is_its_naive_loop(lens):
    camera = camera_of(lens)
    points = np.random.default_rng(0).uniform((-0.4, -0.3, 0.5), (0.4, 0.3, 2.0), size=(50, 3))
    assert camera.project(points) == pytest.approx(
        np.array([pixel_of(point, camera) for point in points]), abs=1e-9)


@pytest.mark.parametrize('lens', LENSES)
def test_a_depth_image_comes_back_to_its_pixels_and_depths(lens):
    camera = camera_of(lens)
    depth_m = np.random.default_rng(1).uniform(0.4, 3.0, size=(48, 64)).astype(np.float32)
    points = camera.backproject(depth_m).astype(np.float64)
    rows, columns = np.mgrid[:48, :64]
    assert points[..., 2] == pytest.approx(depth_m)
    assert camera.project(points) == pytest.approx(np.stack((columns, rows), axis=-1), abs=1e-3)


@pytest.mark.parametrize('lens', LENSES)
def test_rays_are_those_of_opencv(lens):
    cv2 = pytest.importorskip('cv2')
    camera = camera_of(lens)
    rows, columns = np.mgrid[:48, :64].astype(np.float64)
    pixels = np.stack((columns, rows), axis=-1).reshape(-1, 1, 2)
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    expected = cv2.undistortPointsIter(pixels, matrix, np.array(camera.distortion), None, None,
                                       criteria)
    assert camera.rays[..., :2].reshape(-1, 2) == pytest.approx(expected[:, 0], abs=1e-5)


def test_rays_have_their_lengths_and_an_empty_pixel_stays_empty():
    camera = camera_of('plumb_bob')
    assert camera.ray_lengths[3, 5] == pytest.approx(math.hypot(*camera.rays[3, 5]))
    depth_m = np.ones(camera.image_shape, np.float32)
    depth_m[10, 20] = np.nan
    points = camera.backproject(depth_m)
    assert np.isnan(points[10, 20]).all()
    assert np.isfinite(points).sum() == 3 * (48 * 64 - 1)


@pytest.mark.parametrize(('values', 'message'), [
    ({'fx': 0.0}, 'fx = 0.0'), ({'height': -1}, 'height = -1'), ({'cy': math.nan}, 'cy = nan'),
    ({'distortion': (0.1, 0.2)}, '2 distortion coefficients'),
    ({'distortion': (0.1, 0.2, 0.0, math.inf)}, 'distortion')])
def test_impossible_intrinsics_are_named(values, message):
    good = {'width': 4, 'height': 3, 'fx': 2.0, 'fy': 2.0, 'cx': 1.0, 'cy': 1.0}
    with pytest.raises(ConfigError, match=message):
        PinholeCamera(**good | values)
