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
from pointpng_core.geometry.orientation import outward
from pointpng_core.io import read_cloud, read_mesh, write_cloud, write_mesh

POINTS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
MESH = boxes(((-0.05, -0.04, -0.03), (0.05, 0.04, 0.03)))
SQUARE = b'0 0 0\n.1 0 0\n.1 .1 0\n0 .1 0\n'
QUADS = b'4 1 0\n' + SQUARE + b'4 0 1 2 3\n'
MIXED_PLY = (b'ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n'
             b'property float z\nelement face 2\nproperty list uchar int vertex_indices\n'
             b'property list uchar float texcoord\nend_header\n' + SQUARE
             + b'4 0 1 2 3 2 0 1\n3 0 2 1 0\n')
EXTRA = {
    '.off': [b'OFF\n' + QUADS,
             b'# f\xfcr\nCOFF # of 4\n' + QUADS.replace(b'0 0 0', b'0 0 0 9 9 9')],
    '.stl': [], '.ply': [MIXED_PLY],
    '.obj': [b'v 0 0 0\nv .1 0 0\nv .1 .1 0\nv 0 .1 0\nf 1/1 2//2 3/1/1 -1\nf 1 2\n']}
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


def check_outward(mesh):
    """The same triangles, each once, but for detached bits; doing it again turns nothing."""
    def corners(one):
        return {tuple(sorted(map(tuple, each))) for each in one.vertices[one.faces].tolist()
                if len(set(map(tuple, each))) == 3}
    found = outward(mesh)
    assert corners(found.mesh) <= corners(mesh)
    assert found.detached or corners(found.mesh) == corners(mesh)
    assert 0 <= found.turned <= len(mesh.faces)
    assert 0 <= found.open_share <= 1 + 1e-9
    again = outward(found.mesh)
    assert (again.turned, again.doubled) == (0, 0)


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
        check_outward(mesh)
    fuzz(file_reader(read, f'a{suffix}'), mutated(MESHES[suffix], tokens=TOKENS), inputs=inputs,
         valid=len(MESHES[suffix]), name=f'mesh {suffix}').check()
