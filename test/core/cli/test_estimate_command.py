"""`pointpng estimate`: depth images with masks and cameras, and sensors that are elsewhere."""

import json

from helpers.objects import CAMERA
from helpers.tracking import T_CAMERA_WORLD, shoot, standing
import numpy as np
from PIL import Image
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.geometry.rigid_motion import looking_at, transform
from pointpng_core.io import write_cloud, write_mesh
from pointpng_core.simulation.shapes.catalogue import make_object

NAME, T_WORLD_OBJECT = standing('drill', -0.1, 0.0, 60)
T_BASE_CAMERA = looking_at(np.array([-0.4, 0.2, 0.9]), np.array([0.3, 0.2, 0.0]))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A depth image in mm, its camera, the mask of a drill, its mesh, and its points."""
    folder = tmp_path_factory.mktemp('estimate')
    points = shoot([(NAME, T_WORLD_OBJECT), standing('can', 0.25, 0.1)]).reshape(-1, 3)
    depth_mm = np.nan_to_num(points[:, 2] * 1000).round().astype(np.uint16)
    shape = CAMERA.pinhole.image_shape
    Image.fromarray(depth_mm.reshape(shape)).save(folder / '000012.png')
    with np.errstate(invalid='ignore'):
        T = np.linalg.inv(T_WORLD_OBJECT) @ np.linalg.inv(T_CAMERA_WORLD)
        local = transform(T, points)
        vertices = make_object(NAME).mesh.vertices
        mask = ((local > vertices.min(axis=0) - 0.005)
                & (local < vertices.max(axis=0) + 0.005)).all(axis=1)
        mask &= transform(np.linalg.inv(T_CAMERA_WORLD), points)[:, 2] > 0.004
    Image.fromarray(mask.reshape(shape).astype(np.uint8)).save(folder / 'mask.png')
    camera = CAMERA.pinhole
    info = {'cam_K': [camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1]}
    (folder / 'scene_camera.json').write_text(json.dumps({'11': {}, '12': info}))
    write_mesh(folder / 'drill.ply', make_object(NAME).mesh)
    write_cloud(folder / 'seen.pcd', points[mask])
    write_cloud(folder / 'in_base.pcd', transform(T_BASE_CAMERA, points[mask]))
    return folder


def run(capsys, folder, *words):
    code = cli.main(['estimate', str(folder / 'drill.ply'), *map(str, words), '--json', '-'])
    out, err = capsys.readouterr()
    return (json.loads(out) if code == 0 else code), err


def position(result):
    return np.array(result['translation_m'])


def depth_options(folder):
    return '--depth', folder / '000012.png', '--camera', folder / 'scene_camera.json'


TRUE_POSITION = (T_CAMERA_WORLD @ T_WORLD_OBJECT)[:3, 3]


@pytest.mark.parametrize('masked', [True, False])
def test_an_object_is_posed_in_a_depth_image(folder, capsys, masked):
    words = (*depth_options(folder), *(('--mask', folder / 'mask.png') if masked else ()))
    result, err = run(capsys, folder, *words)
    assert position(result) == pytest.approx(TRUE_POSITION, abs=0.004)
    assert result['observation'].endswith('000012.png')
    assert (result['warnings'], err) == ([], '')


def test_the_depth_image_gives_what_its_points_give(folder, capsys):
    image, _ = run(capsys, folder, *depth_options(folder), '--mask', folder / 'mask.png')
    cloud, _ = run(capsys, folder, folder / 'seen.pcd', '--viewpoint', 'sensor')
    assert position(image) == pytest.approx(position(cloud), abs=0.002)


def test_the_viewpoint_of_a_pcd_file_is_where_its_sensor_was(folder, capsys):
    text = (folder / 'in_base.pcd').read_bytes()
    place = ' '.join(str(value) for value in T_BASE_CAMERA[:3, 3])
    (folder / 'viewpoint.pcd').write_bytes(text.replace(
        b'VIEWPOINT 0 0 0 1 0 0 0', f'VIEWPOINT {place} 1 0 0 0'.encode()))
    expected = (T_BASE_CAMERA @ T_CAMERA_WORLD @ T_WORLD_OBJECT)[:3, 3]
    by_file, _ = run(capsys, folder, folder / 'viewpoint.pcd')
    by_option, _ = run(capsys, folder, folder / 'in_base.pcd',
                       '--viewpoint=' + ','.join(place.split()))
    assert position(by_file) == pytest.approx(expected, abs=0.004)
    assert position(by_option) == pytest.approx(position(by_file), abs=1e-5)


def test_a_cloud_that_the_camera_cannot_have_seen_is_warned_of(folder, capsys):
    result, err = run(capsys, folder, folder / 'in_base.pcd', '--viewpoint', 'sensor')
    assert 'cannot come from a sensor at the origin' in result['warnings'][0]
    assert err == f'warning: {result["warnings"][0]}\n'


def test_an_object_that_is_not_there_is_an_error(folder, capsys):
    write_mesh(folder / 'bowl.ply', make_object('bowl').mesh)
    code = cli.main(['estimate', str(folder / 'bowl.ply'), *map(str, depth_options(folder))])
    assert code == cli.ERROR_CODE
    assert 'segments of the frame is bowl with a confidence of' in capsys.readouterr().err


def other_size(folder):
    Image.fromarray(np.ones((10, 10), np.uint8)).save(folder / 'small.png')
    return folder / 'small.png'


def beside(folder):
    depth = np.asarray(Image.open(folder / '000012.png'))
    Image.fromarray((depth == 0).astype(np.uint8)).save(folder / 'beside.png')
    return folder / 'beside.png'


@pytest.mark.parametrize(('words', 'message'), [
    (lambda folder: (), 'either OBSERVATION'),
    (lambda folder: (folder / 'seen.pcd', *depth_options(folder)), 'either OBSERVATION'),
    (lambda folder: ('--depth', folder / '000012.png'), '--depth needs --camera'),
    (lambda folder: (folder / 'seen.pcd', '--mask', folder / 'mask.png'),
     '--mask belongs to --depth'),
    (lambda folder: (*depth_options(folder), '--viewpoint', '1,2,3'), '--viewpoint is for clouds'),
    (lambda folder: (*depth_options(folder), '--frame', 7), '2 frames, 11 to 12, but not 7'),
    (lambda folder: (*depth_options(folder), '--frame', 11), 'frame 11: no camera in it'),
    (lambda folder: (*depth_options(folder), '--depth-scale', 1000), 'median depth would be'),
    (lambda folder: (*depth_options(folder), '--mask', other_size(folder)),
     'must be of the same frame'),
    (lambda folder: (*depth_options(folder), '--mask', beside(folder)), 'pixels has a depth in')])
def test_wrong_arguments_and_files_are_explained_in_one_line(folder, capsys, words, message):
    result, err = run(capsys, folder, *words(folder))
    assert result == cli.ERROR_CODE
    assert message in err
    assert err.count('\n') == 1


@pytest.mark.parametrize('text', ['1,2', 'above', '1,2,nan', '0'])
def test_a_viewpoint_that_is_none_is_refused(folder, capsys, text):
    with pytest.raises(SystemExit):
        run(capsys, folder, folder / 'seen.pcd', '--viewpoint', text)
    assert 'is not a position X,Y,Z' in capsys.readouterr().err
