"""PLY files as scanners and texturing tools write them: more properties than places and faces."""

import struct

import numpy as np
import pytest

from pointpng_core.io import read_mesh

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32)


@pytest.mark.parametrize('order', ['ascii', 'little', 'big'])
@pytest.mark.parametrize('corners', [3, 4])
def test_ply_with_colours_and_texture_coordinates_of_corners(tmp_path, order, corners):
    faces = [[0, 1, 2, 3][:corners], [0, 2, 3, 1][:corners]]
    header = (f'ply\nformat {order if order == "ascii" else f"binary_{order}_endian"} 1.0\n'
              'comment TextureFile part.png\nelement vertex 4\nproperty float x\n'
              'property float y\nproperty float z\nproperty uchar red\nproperty uchar green\n'
              'property uchar blue\nelement face 2\nproperty list uchar int vertex_indices\n'
              'property list uchar float texcoord\nend_header\n')
    if order == 'ascii':
        body = '\n'.join([*(f'{x} {y} {z} 255 0 7' for x, y, z in SQUARE),
                          *(f'{corners} {" ".join(map(str, face))} {2 * corners}'
                            + ' 0.5' * 2 * corners for face in faces)]).encode()
    else:
        mark = '<' if order == 'little' else '>'
        body = b''.join(struct.pack(f'{mark}3f3B', *point, 255, 0, 7) for point in SQUARE)
        body += b''.join(struct.pack(f'{mark}B{corners}iB{2 * corners}f', corners, *face,
                                     2 * corners, *[0.5] * 2 * corners) for face in faces)
    (tmp_path / 'm.ply').write_bytes(header.encode() + body)
    mesh = read_mesh(tmp_path / 'm.ply')
    np.testing.assert_array_equal(mesh.vertices, SQUARE)
    fans = [[face[0], face[i], face[i + 1]] for face in faces for i in range(1, corners - 1)]
    np.testing.assert_array_equal(mesh.faces, fans)
