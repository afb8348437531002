"""Depth image, CameraInfo and mask together: the cloud that the simulated camera has made."""

from types import SimpleNamespace

import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.io.bags.depth_cloud import decode_depth_cloud

CAMERA = PinholeCamera(width=8, height=6, fx=10.0, fy=11.0, cx=3.2, cy=2.7,
                       distortion=(0.1, -0.05, 0.01, 0.02))


def image(pixels, encoding):
    return SimpleNamespace(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
                           is_bigendian=0, step=pixels.shape[1] * pixels.itemsize,
                           data=pixels.tobytes())


def info(camera=CAMERA):
    return SimpleNamespace(
        width=camera.width, height=camera.height, d=list(camera.distortion),
        distortion_model='plumb_bob', binning_x=1, binning_y=1,
        k=[camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1],
        roi=SimpleNamespace(width=0, height=0, x_offset=0, y_offset=0))


def depth():
    depth_m = np.random.default_rng(0).uniform(0.5, 2.0, CAMERA.image_shape).astype(np.float32)
    depth_m[0, :3] = 0.0, np.nan, np.inf
    return depth_m


def test_points_project_back_to_their_pixels():
    cloud = decode_depth_cloud(image(depth(), '32FC1'), info(), rectified=False)
    assert cloud.image_shape == CAMERA.image_shape
    assert cloud.finite_share == 45 / 48
    assert np.isnan(cloud.points[:3]).all()
    points = cloud.points[3:].astype(np.float64)
    pixels = CAMERA.project(points)
    rows, columns = np.divmod(np.arange(3, 48), 8)
    np.testing.assert_allclose(pixels, np.column_stack((columns, rows)), atol=1e-4)
    np.testing.assert_array_equal(points[:, 2], depth().reshape(-1)[3:])


def test_millimetres_are_the_metres_rounded():
    exact = decode_depth_cloud(image(depth(), '32FC1'), info(), rectified=False).points
    whole_mm = np.rint(np.nan_to_num(depth(), posinf=0) * 1000).astype(np.uint16)
    rounded = decode_depth_cloud(image(whole_mm, '16UC1'), info(), rectified=False).points
    assert np.nanmax(np.abs(rounded - exact)) < 0.0006
    np.testing.assert_array_equal(np.isnan(rounded), np.isnan(exact))


def test_a_mask_leaves_its_pixels_only_and_the_share_of_the_image():
    labels = np.zeros(CAMERA.image_shape, np.uint8)
    labels[2:4, 5] = 1, 200
    cloud = decode_depth_cloud(image(depth(), '32FC1'), info(), image(labels, '8UC1'),
                               rectified=False)
    assert np.flatnonzero(np.isfinite(cloud.points[:, 0])).tolist() == [21, 29]
    assert cloud.finite_share == 45 / 48


def test_a_mask_of_nothing_is_a_frame_without_points():
    nothing = image(np.zeros(CAMERA.image_shape, np.uint8), 'mono8')
    cloud = decode_depth_cloud(image(depth(), '32FC1'), info(), nothing, rectified=False)
    assert np.isnan(cloud.points).all()


@pytest.mark.parametrize(('arguments', 'words'), [
    ((image(depth()[1:], '32FC1'), info()), '8 x 5 pixels, but CameraInfo has 8 x 6'),
    ((image(depth(), '32FC1'), info(), image(np.ones((6, 9), np.uint8), 'mono8')),
     'the mask has 9 x 6 pixels, but the depth image has 8 x 6'),
    ((image(np.zeros((6, 8), np.uint16), '16UC1'), info()), 'none of the 48 pixels')])
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(CloudError, match=words):
        decode_depth_cloud(*arguments, rectified=False)


@pytest.mark.parametrize('unit_m', [0.00001, 0.1])
def test_a_unit_that_puts_the_scene_out_of_reach_is_refused(unit_m):
    millimetres = np.full((6, 8), 900, np.uint16)
    with pytest.raises(CloudError, match=f'median depth .* with {unit_m:g} m for one unit'):
        decode_depth_cloud(image(millimetres, '16UC1'), info(), rectified=False, unit_m=unit_m)
