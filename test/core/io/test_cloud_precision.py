"""Coordinates that single precision cannot tell apart are refused, not rounded without a word."""

import numpy as np
import pytest
import trimesh

from pointpng_core.errors import FileError
from pointpng_core.io import read_cloud, read_mesh

POINTS = np.random.default_rng(0).uniform(-0.1, 0.1, (50, 3))
UTM = np.array((431000.0, 5412000.0, 312.0))


def _pcd(path, points):
    count = len(points)
    path.write_bytes(f'FIELDS x y z\nSIZE 8 8 8\nTYPE F F F\nWIDTH {count}\nHEIGHT 1\n'
                     f'POINTS {count}\nDATA binary\n'.encode() + points.tobytes())


def _ply(path, points):
    path.write_bytes(b'ply\nformat binary_little_endian 1.0\nelement vertex %d\n' % len(points)
                     + b''.join(b'property double %s\n' % axis for axis in (b'x', b'y', b'z'))
                     + b'end_header\n' + points.tobytes())


WRITERS = {'.pcd': _pcd, '.ply': _ply, '.npy': np.save, '.xyz': np.savetxt,
           '.npz': lambda path, points: np.savez(path, points=points)}


@pytest.mark.parametrize('suffix', WRITERS)
def test_coordinates_of_a_map_grid_are_refused(tmp_path, suffix):
    path = tmp_path / f'cloud{suffix}'
    WRITERS[suffix](path, POINTS + UTM)
    with pytest.raises(FileError, match=r'lie 5\.412e\+06 m from the origin.*subtract an offset'):
        read_cloud(path)


@pytest.mark.parametrize('suffix', WRITERS)
def test_others_keep_a_millimetre_though_a_few_points_are_far(tmp_path, suffix):
    path = tmp_path / f'cloud{suffix}'
    points = np.concatenate((POINTS + np.array((0, 0, 16000.0)), [UTM], [[1e10, 0, 0]]))
    WRITERS[suffix](path, points)
    assert read_cloud(path) == pytest.approx(points, abs=1e-3, rel=1e-7)
    WRITERS[suffix](path, POINTS + UTM)
    assert read_cloud(path, unit='mm') == pytest.approx((POINTS + UTM) / 1e3, abs=3e-4)


@pytest.mark.parametrize('suffix', ['.obj', '.ply', '.stl', '.off'])
def test_meshes_in_a_map_grid_are_refused(tmp_path, suffix):
    ball = trimesh.creation.icosphere(radius=0.1)
    ball.apply_translation(UTM)
    ball.export(tmp_path / f'ball{suffix}')
    with pytest.raises(FileError, match=r'lie 5\.412e\+06 m from the origin'):
        read_mesh(tmp_path / f'ball{suffix}')
