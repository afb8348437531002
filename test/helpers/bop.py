"""A tiny dataset in the BOP layout, by the format's names, not the package's."""

import json

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

K = [100.0, 0, 31.5, 0, 110.0, 23.5, 0, 0, 1]
SIZE = 64, 48
R_90_ABOUT_Z = [0.0, -1, 0, 1, 0, 0, 0, 0, 1]
R_OBLIQUE = Rotation.from_rotvec([0.3, -0.4, 0.5]).as_matrix()
BOX_MM = np.array([[x, y, z] for x in (0, 60) for y in (0, 40) for z in (0, 20)], dtype=float)
BOX_FACES = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4],
                      [1, 5, 7, 3]])
TRUTH = [{'obj_id': 2, 'cam_R_m2c': R_90_ABOUT_Z, 'cam_t_m2c': [10.0, 20.0, 500.0]},
         {'obj_id': 7, 'cam_R_m2c': R_OBLIQUE.reshape(-1).tolist(),
          'cam_t_m2c': [-50.0, 0.0, 600.0]}]
INFO = {'2': {'diameter': 74.83, 'name': 'Tea box (small)'}, '7': {'diameter': 74.83}}


def write_box(path, scale=1.0):
    """Write a box of 60 x 40 x 20 mm as ascii PLY with quads and texture coordinates."""
    corners = '\n'.join(f'{x} {y} {z} 0.5 0.5' for x, y, z in BOX_MM * scale)
    faces = '\n'.join(f'4 {" ".join(map(str, face))}' for face in BOX_FACES)
    path.write_text('ply\nformat ascii 1.0\ncomment TextureFile box.png\nelement vertex 8\n'
                    'property float x\nproperty float y\nproperty float z\n'
                    'property float texture_u\nproperty float texture_v\nelement face 6\n'
                    f'property list uchar int vertex_indices\nend_header\n{corners}\n{faces}\n')


def write_json(path, content):
    """Write JSON, making the folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_depth(path, values, bits=16):
    """Write an image of whole numbers, making the folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, dtype=f'uint{bits}')).save(path)


def depth_values():
    """Return the depth image (H, W) of a slope, in units of 0.5 mm, with holes."""
    values = np.tile(np.arange(1000, 1000 + SIZE[0]), (SIZE[1], 1))
    values[:5] = 0
    return values


def write_dataset(folder, models='models', split='test'):
    """Write two objects and a scene of two images; the first one has two instances."""
    (folder / models).mkdir(parents=True)
    for object_id in INFO:
        write_box(folder / models / f'obj_{int(object_id):06d}.ply')
    write_json(folder / models / 'models_info.json', INFO)
    scene = folder / split / '000003'
    camera = {'cam_K': K, 'depth_scale': 0.5}
    write_json(scene / 'scene_camera.json', {'11': camera, '4': camera})
    write_json(scene / 'scene_gt.json', {'4': TRUTH, '11': []})
    write_json(scene / 'scene_gt_info.json', {
        '4': [{'visib_fract': 0.75, 'px_count_visib': 12}, {'px_count_visib': 0}], '11': []})
    mask = np.zeros(SIZE[::-1])
    mask[10:13, 20:24] = 255
    for image_id in (4, 11):
        write_depth(scene / 'depth' / f'{image_id:06d}.png', depth_values())
    write_depth(scene / 'mask_visib' / '000004_000000.png', mask, bits=8)
    return folder
