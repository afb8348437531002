"""Mutated clouds and meshes of every format: refused, or read as what they are."""

from io import BytesIO
from pathlib import Path
import struct
import tempfile

from helpers.fuzzing import each_size, file_reader, fuzz
from helpers.mutations import mutated
from helpers.objects import boxes
import numpy as np
import pytest

from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io import read_cloud, read_mesh, write_cloud, write_mesh

POINTS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
MESH = boxes(((-0.05, -0.04, -0.03), (0.05, 0.04, 0.03)))
QUADS = b'4 1 0\n0 0 0\n.1 0 0\n.1 .1 0\n0 .1 0\n4 0 1 2 3\n'
EXTRA = {
    '.off': [b'OFF\n' + QUADS], '.stl': [], '.ply': [],
    '.obj': [b'v 0 0 0\nv .1 0 0\nv .1 .1 0\nv 0 .1 0\nf 1/1 2//2 3/1/1 -1\n']}
TOKENS = [b'nan', b'inf', b'-1', b'99999999999', b'1e308', b'4294967295', b'end_header\n', b'\\\n',
          b'solid\n', b'endsolid\n', b'element face 2\n', b'list uchar int', b'double']


def written(write, content, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f'a{suffix}')
        write(path, content)
        return path.read_bytes()


def pcd_of(kind, data):
    """POINTS with coordinates of 4 or 8 bytes; compressed, there are runs and no copies."""
    header = (f'VERSION 0.7\nFIELDS x y z\nSIZE {kind} {kind} {kind}\nTYPE F F F\nCOUNT 1 1 1\n'
              f'WIDTH 40\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS 40\nDATA {data}\n').encode()
    if data == 'binary':
        return header + POINTS.astype(f'<f{kind}').tobytes()
    if data == 'binary_compressed':
        raw = POINTS.T.astype(f'<f{kind}').tobytes()
        runs = b''.join(bytes([len(run) - 1]) + run
                        for run in (raw[at:at + 32] for at in range(0, len(raw), 32)))
        return header + struct.pack('<II', len(runs), len(raw)) + runs
    rows = BytesIO()
    np.savetxt(rows, POINTS)
    return header + rows.getvalue()


CLOUDS = {suffix: [written(write_cloud, POINTS, suffix)]
          for suffix in ('.ply', '.pcd', '.xyz', '.npy', '.npz')}
CLOUDS['.pcd'] += [pcd_of(4, 'binary'), pcd_of(8, 'binary'), pcd_of(8, 'ascii'),
                   pcd_of(4, 'binary_compressed'), pcd_of(8, 'binary_compressed')]
MESHES = {suffix: [written(write_mesh, MESH, suffix), *more] for suffix, more in EXTRA.items()}


@each_size
@pytest.mark.parametrize('suffix', CLOUDS)
def test_clouds(suffix, inputs):
    def read(path):
        points = read_cloud(path)
        assert points.dtype == np.float32
        assert points.ndim == 2
        assert points.shape[1] == 3
        assert np.isfinite(points).all(axis=1).any()
        assert points.nbytes <= 64 * path.stat().st_size + 8192 * 12
    fuzz(file_reader(read, f'a{suffix}'), mutated(CLOUDS[suffix], tokens=TOKENS), inputs=inputs,
         valid=len(CLOUDS[suffix]), name=f'cloud {suffix}').check()


@each_size
@pytest.mark.parametrize('suffix', MESHES)
def test_meshes(suffix, inputs):
    def read(path):
        mesh = read_mesh(path)
        assert isinstance(mesh, TriangleMesh)
        assert np.isfinite(mesh.vertices).all()
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.vertices)
        assert len(mesh.faces) <= path.stat().st_size
    fuzz(file_reader(read, f'a{suffix}'), mutated(MESHES[suffix], tokens=TOKENS), inputs=inputs,
         valid=len(MESHES[suffix]), name=f'mesh {suffix}').check()
