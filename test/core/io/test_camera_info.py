"""CameraInfo to intrinsics: K or P, distortion, binning, regions, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.camera_info import (
    decode_camera,
    names_rectified,
    sibling_info_topic,
)

K = [525.0, 0, 319.5, 0, 520.0, 239.5, 0, 0, 1]
P = [500.0, 0, 310.0, -50, 0, 510.0, 230.0, 0, 0, 0, 1, 0]
LENS = (0.1, -0.2, 0.001, -0.002, 0.05)


def info(**values):
    region = SimpleNamespace(width=0, height=0, x_offset=0, y_offset=0, do_rectify=False)
    message = SimpleNamespace(width=640, height=480, distortion_model='plumb_bob', k=K, p=P,
                              d=list(LENS), binning_x=0, binning_y=0, roi=region)
    for name, value in values.items():
        setattr(message, name, value)
    return message


def region(**values):
    return SimpleNamespace(**{'width': 0, 'height': 0, 'x_offset': 0, 'y_offset': 0, **values})


def focal_and_centre(camera):
    return camera.fx, camera.fy, camera.cx, camera.cy


def test_raw_images_have_k_and_the_lens_and_rectified_ones_p_without_it():
    raw, rectified = (decode_camera(info(), rectified=flag) for flag in (False, True))
    assert (focal_and_centre(raw), raw.distortion) == ((525, 520, 319.5, 239.5), LENS)
    assert (focal_and_centre(rectified), rectified.distortion) == ((500, 510, 310, 230), ())
    assert raw.image_shape == rectified.image_shape == (480, 640)


@pytest.mark.parametrize(('model', 'd', 'length'), [
    ('plumb_bob', [0.1, 0.2], 4), ('plumb_bob', [0, 0, 0, 0, 0.5], 5), ('plumb_bob', [], 0),
    ('rational_polynomial', [0.1] * 8 + [0.0] * 6, 8), ('equidistant', [0.0] * 4, 0), ('', [], 0)])
def test_distortion_is_brought_to_a_length_that_the_camera_takes(model, d, length):
    found = decode_camera(info(distortion_model=model, d=d), rectified=False).distortion
    assert len(found) == length
    np.testing.assert_array_equal(found[:len(d)], d[:length])


def test_equal_messages_share_one_camera_and_its_rays():
    first, second = (decode_camera(info(), rectified=False) for _ in range(2))
    assert first is second
    assert decode_camera(info(width=641), rectified=False) is not first


def test_a_region_moves_the_centre_and_binning_divides_all():
    message = info(roi=region(width=320, height=240, x_offset=100, y_offset=40), binning_x=2,
                   binning_y=4)
    camera = decode_camera(message, rectified=False)
    assert camera.image_shape == (60, 160)
    assert focal_and_centre(camera) == (262.5, 130.0, (319.5 - 100) / 2, (239.5 - 40) / 4)


def test_a_region_alone_shows_the_same_rays():
    whole = decode_camera(info(), rectified=False)
    part = decode_camera(info(roi=region(width=64, height=48, x_offset=200, y_offset=100)),
                         rectified=False)
    np.testing.assert_allclose(part.rays, whole.rays[100:148, 200:264], atol=1e-6)


def test_the_capitals_of_ros_1_are_read():
    message = info(D=[], K=K, P=P)
    del message.d, message.k, message.p
    assert focal_and_centre(decode_camera(message, rectified=False))[0] == 525


@pytest.mark.parametrize(('message', 'rectified', 'words'), [
    (info(k=[0.0] * 9), False, 'k has fx = 0, fy = 0 px: the driver has no calibration'),
    (info(p=[0.0] * 12), True, 'p has fx = 0, fy = 0 px'),
    (info(k=[float('nan')] * 9), False, 'fx = nan'),
    (info(k=[-525.0, *K[1:]]), False, 'fx = -525'),
    (info(k=K[:4]), False, 'k holds 4 numbers: expected 9'),
    (info(width=0, height=0), False, 'width 0 x height 0'),
    (info(binning_x=1000), False, 'width'),
    (info(distortion_model='equidistant'), False, "model 'equidistant' with 5 coefficients"),
    (info(d=[0.1] * 8), False, "model 'plumb_bob' with 8 coefficients"),
    (info(d=[float('nan')] * 5), False, 'distortion'),
    (info(k=[525.0, 0, float('inf'), 0, 520, 1, 0, 0, 1]), False, 'cx = inf'),
    (info(k='none'), False, 'malformed'),
    (info(width=-1), False, 'unsigned 32-bit'),
    (info(roi=None), False, 'malformed'),
    (SimpleNamespace(), True, 'malformed'),
    (None, False, 'malformed')])
def test_unusable_infos_are_refused_with_the_reason(message, rectified, words):
    with pytest.raises(CloudError, match=words):
        decode_camera(message, rectified=rectified)


@pytest.mark.parametrize(('image', 'expected', 'rectified'), [
    ('/camera/depth/image_raw', '/camera/depth/camera_info', False),
    ('/camera/camera/depth/image_rect_raw', '/camera/camera/depth/camera_info', True),
    ('depth/image_rect', 'depth/camera_info', True),
    ('/rectified/depth', '/rectified/camera_info', False),
    ('image', 'camera_info', False), ('~/image', '~/camera_info', False)])
def test_topics_beside_the_image_and_what_its_name_says(image, expected, rectified):
    assert sibling_info_topic(image) == expected
    assert names_rectified(image) is rectified
