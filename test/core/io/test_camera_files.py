"""Cameras as BOP, ROS and Open3D write them, and what is refused."""

import json

import numpy as np
import pytest
import yaml

from pointpng_core.errors import FileError
from pointpng_core.io import read_camera

SHAPE = (480, 640)
K = [525.0, 0.0, 319.5, 0.0, 526.0, 239.5, 0.0, 0.0, 1.0]
D = [0.1, -0.2, 0.001, -0.002, 0.05]
INFO = {'height': 480, 'width': 640, 'distortion_model': 'plumb_bob', 'd': D, 'k': K,
        'binning_x': 0}


def written(tmp_path, content, name='camera.json'):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def values(camera):
    return camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy


@pytest.mark.parametrize(('content', 'scale', 'distortion'), [
    ({'fx': 525, 'fy': 526, 'cx': 319.5, 'cy': 239.5, 'depth_scale': 0.1, 'width': 640,
      'height': 480}, 0.1, ()),
    ({'fx': 525, 'fy': 526, 'cx': 319.5, 'cy': 239.5}, None, ()),
    ({'3': {'cam_K': K, 'depth_scale': 0.1}, '12': {'cam_K': 9 * [1.0]}}, 0.1, ()),
    ({'cam_K': K, 'depth_scale': 1.0}, 1.0, ()),
    (INFO, None, tuple(D)), (INFO | {'d': 5 * [0.0]}, None, ()),
    ({'K': K, 'D': D, 'width': 0, 'height': 0}, None, tuple(D)),
    ({'intrinsic_matrix': np.array(K).reshape(3, 3).T.ravel().tolist(), 'width': 640,
      'height': 480}, None, ()),
    ({'intrinsic': {'intrinsic_matrix': np.array(K).reshape(3, 3).T.ravel().tolist()},
      'extrinsic': []}, None, ()),
    ({'image_width': 640, 'image_height': 480, 'camera_matrix': {'data': K},
      'distortion_coefficients': {'data': D}}, None, tuple(D))])
@pytest.mark.parametrize('suffix', ['json', 'yaml'])
def test_every_format_gives_the_same_camera(tmp_path, content, scale, distortion, suffix):
    text = json.dumps(content) if suffix == 'json' else yaml.safe_dump(content) + '---\n'
    file = read_camera(written(tmp_path, text, f'camera.{suffix}'), image_shape=SHAPE, frame=3)
    assert values(file.camera) == (640, 480, 525, 526, 319.5, 239.5)
    assert (file.depth_scale, file.camera.distortion) == (scale, distortion)


def test_open3ds_own_file_is_read(tmp_path):
    open3d = pytest.importorskip('open3d')
    path = tmp_path / 'camera.json'
    open3d.io.write_pinhole_camera_intrinsic(str(path), open3d.camera.PinholeCameraIntrinsic(
        640, 480, 525, 526, 319.5, 239.5))
    assert values(read_camera(path, image_shape=SHAPE).camera) \
        == (640, 480, 525, 526, 319.5, 239.5)


@pytest.mark.parametrize(('content', 'message'), [
    (INFO | {'k': 9 * [0.0]}, '"k" is all zeros: the camera is not calibrated'),
    (INFO | {'k': K[:8]}, '"k" is .* list of 9'),
    (INFO | {'width': 320}, '"width" is 320, but that of the image is 640'),
    (INFO | {'d': D[:2]}, '2 distortion coefficients'),
    (INFO | {'d': ['a', 0, 0, 0, 0]}, '"d"'),
    (INFO | {'distortion_model': 'equidistant'}, 'equidistant.*rectify'),
    ({'fx': 525, 'fy': 526, 'cx': 319.5}, 'no "cy"'),
    ({'fx': -525, 'fy': 526, 'cx': 319.5, 'cy': 1}, 'fx = -525'),
    ({'fx': 525, 'fy': 526, 'cx': 319.5, 'cy': 1, 'depth_scale': 0}, '"depth_scale" is 0'),
    ({'cam_K': [525, 3, 1, 0, 526, 1, 0, 0, 1]}, r'must be \[fx, 0, cx'),
    ({'12': {'cam_K': K}, '15': {'cam_K': K}}, r'2 frames, 12 to 15, but not 3: .*--frame'),
    ({'3': {'depth_scale': 1}}, 'no camera in it'),
    ({'focal': 500}, 'no camera in it: expected'), ([1, 2], 'expected {"key"'),
    ('{"fx": 525', 'not valid JSON'), ('{}', 'no camera')])
def test_what_is_wrong_is_named(tmp_path, content, message):
    with pytest.raises(FileError, match=message):
        read_camera(written(tmp_path, content), image_shape=SHAPE, frame=3)


def test_a_frame_must_be_chosen_and_files_be_readable(tmp_path):
    with pytest.raises(FileError, match='which one is meant'):
        read_camera(written(tmp_path, {'12': {'cam_K': K}}), image_shape=SHAPE)
    for text in ('a: [1', '!!python/object:os.system {}', '', 'fx'):
        with pytest.raises(FileError):
            read_camera(written(tmp_path, text or '---', 'camera.yaml'), image_shape=SHAPE)
    with pytest.raises(FileError, match='use one of'):
        read_camera(tmp_path / 'camera.txt', image_shape=SHAPE)
    (tmp_path / 'big.yaml').write_bytes(b'#' * (1 << 21))
    with pytest.raises(FileError, match='more than'):
        read_camera(tmp_path / 'big.yaml', image_shape=SHAPE)
