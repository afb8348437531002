"""Mesh and cloud files: round trips, polygons, and files that are broken in every way we know."""

import os
from pathlib import Path
import struct

import numpy as np
import pytest
import trimesh

from pointpng_core.errors import CloudError, FileError
from pointpng_core.io import (
    CLOUD_SUFFIXES,
    MESH_SUFFIXES,
    TriangleMesh,
    read_cloud,
    read_mesh,
    read_model,
    read_point_cloud,
    sample_surface,
    write_cloud,
    write_mesh,
)

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32)


@pytest.fixture(scope='module')
def mesh():
    rng = np.random.default_rng(0)
    return TriangleMesh(vertices=rng.normal(size=(200, 3)),
                        faces=rng.permuted(np.tile(np.arange(200), (300, 1)), axis=1)[:, :3])


@pytest.fixture(scope='module')
def points():
    return np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32)


@pytest.mark.parametrize('suffix', MESH_SUFFIXES)
def test_mesh_round_trip_keeps_every_triangle(tmp_path, mesh, suffix):
    write_mesh(tmp_path / f'm{suffix}', mesh)
    back = read_mesh(tmp_path / f'm{suffix}', unit='cm')
    corners = back.vertices[back.faces]  # an STL file joins equal vertices: compare triangles
    np.testing.assert_allclose(corners, 0.01 * mesh.vertices[mesh.faces], atol=2e-7)
    assert back.vertices.dtype == np.float32
    assert back.faces.dtype == np.int32


@pytest.mark.parametrize('suffix', CLOUD_SUFFIXES)
def test_cloud_round_trip_keeps_every_point_and_its_order(tmp_path, points, suffix):
    write_cloud(tmp_path / f'c{suffix}', points)
    back = read_cloud(tmp_path / f'c{suffix}')
    np.testing.assert_array_equal(back, points)
    assert back.dtype == np.float32


@pytest.mark.parametrize('suffix', CLOUD_SUFFIXES)
def test_holes_of_organised_clouds_stay_where_they_are(tmp_path, points, suffix):
    holed = points.copy()
    holed[3] = np.nan
    write_cloud(tmp_path / f'c{suffix}', holed)
    np.testing.assert_array_equal(read_cloud(tmp_path / f'c{suffix}'), holed)


def test_read_model_distinguishes_meshes_from_clouds(tmp_path, mesh, points):
    write_mesh(tmp_path / 'm.ply', mesh)
    write_cloud(tmp_path / 'c.ply', points)
    assert isinstance(read_model(tmp_path / 'm.ply'), TriangleMesh)
    assert isinstance(read_model(tmp_path / 'c.ply'), np.ndarray)
    with pytest.raises(FileError, match='no readable faces'):
        read_mesh(tmp_path / 'c.ply')


def test_a_mesh_read_as_cloud_is_its_surface_the_same_every_time(tmp_path):
    write_mesh(tmp_path / 'm.obj', TriangleMesh(vertices=SQUARE, faces=[[0, 1, 2], [0, 2, 3]]))
    first, second = (read_cloud(tmp_path / 'm.obj') for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first.mean(axis=0), [0.5, 0.5, 0.0], atol=0.02)
    assert np.ptp(first, axis=0)[:2].min() > 0.99


def test_sampling_weighs_triangles_by_area():
    vertices = [[0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 5], [1, 0, 5], [0, 1, 5]]
    mesh = TriangleMesh(vertices=vertices, faces=[[0, 1, 2], [3, 4, 5]])
    points, _ = sample_surface(mesh, 4000)
    assert np.mean(points[:, 2] < 1) == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(('name', 'text'), [
    ('q.obj', 'mtllib gone.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1 4/1\n'),
    ('n.obj', 'v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf -4 -3 -2 -1\n'),
    ('c.off', 'COFF 4 1\n0 0 0 9 9 9\n1 0 0 9 9 9\n1 1 0 9 9 9\n0 1 0 9 9 9\n4 0 1 2 3 255 0 0\n'),
    ('g.off', 'OFF4 1 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n'),
    ('q.off', 'OFF\n# four corners\n4 1 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n'),
    ('q.ply', 'ply\nformat ascii 1.0\ncomment x\nelement vertex 4\nproperty double z\n'
              'property uchar red\nproperty float x\nproperty float y\nelement face 1\n'
              'property uchar flag\nproperty list uchar int vertex_indices\nend_header\n'
              '0 9 0 0\n0 9 1 0\n0 9 1 1\n0 9 0 1\n7 4 0 1 2 3\n'),
])
def test_polygons_become_triangles(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    mesh = read_mesh(tmp_path / name)
    np.testing.assert_array_equal(mesh.vertices, SQUARE)
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])


@pytest.mark.parametrize('text', [
    'v {}\nv {}\nv {}\nv {}\nv {}\nf 1 2 3 4 5\nf 1 2 3\n',
    'OFF\n5 2 0\n{}\n{}\n{}\n{}\n{}\n5 0 1 2 3 4\n3 0 1 2\n',
    'ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\n'
    'property float z\nelement face 2\nproperty list uchar int vertex_indices\nend_header\n'
    '{}\n{}\n{}\n{}\n{}\n5 0 1 2 3 4\n3 0 1 2\n'], ids=['obj', 'off', 'ply'])
def test_polygons_of_any_number_of_corners(tmp_path, text):
    path = tmp_path / f'm.{ {"v": "obj", "O": "off", "p": "ply"}[text[0]]}'
    path.write_text(text.format('0 0 0', '2 0 0', '3 1 0', '1 2 0', '-1 1 0'))
    np.testing.assert_array_equal(read_mesh(path).faces,
                                  [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 1, 2]])


@pytest.mark.parametrize('suffix', MESH_SUFFIXES)
def test_files_of_triangles_are_read_as_trimesh_reads_them(tmp_path, mesh, suffix):
    path = tmp_path / f'm{suffix}'
    write_mesh(path, mesh)
    twin = trimesh.load_mesh(path, process=False, maintain_order=True)
    read = read_mesh(path)
    np.testing.assert_allclose(read.vertices[read.faces], twin.vertices[twin.faces], atol=1e-7)


def facet(z):
    corners = ''.join(f'vertex {x} {y} {z}\n' for x, y in ((0, 0), (1, 0), (0, 1)))
    return f'facet normal 0 0 1\nouter loop\n{corners}endloop\nendfacet\n'


def test_text_stl_of_several_solids_is_one_mesh(tmp_path):
    text = f'solid a\n{facet(0)}{facet(1)}endsolid a\nSOLID b\n{facet(2)}ENDSOLID b\n'
    path = tmp_path / 'whole.stl'
    path.write_text(text)
    np.testing.assert_array_equal(read_mesh(path).vertices[::3, 2], [0, 1, 2])
    end = text.index('SOLID b') + 8
    for length in (100, text.index('endsolid a'), *range(end, len(text) - 3, 7)):
        path.write_text(text[:length])
        with pytest.raises(FileError, match='whole'):
            read_mesh(path)


@pytest.mark.parametrize('order', ['little', 'big'])
def test_binary_ply_of_either_byte_order_with_mixed_polygons(tmp_path, order):
    mark = '<' if order == 'little' else '>'
    header = (f'ply\nformat binary_{order}_endian 1.0\nelement vertex 4\nproperty float x\n'
              'property float y\nproperty float z\nelement face 2\n'
              'property list uchar int vertex_index\nend_header\n')
    body = SQUARE.astype(f'{mark}f4').tobytes()
    body += struct.pack(f'{mark}B4iB3i', 4, 0, 1, 2, 3, 3, 0, 1, 3)
    (tmp_path / 'm.ply').write_bytes(header.encode() + body)
    mesh = read_mesh(tmp_path / 'm.ply')
    np.testing.assert_array_equal(mesh.vertices, SQUARE)
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [0, 1, 3]])


@pytest.mark.parametrize('suffix', sorted({*MESH_SUFFIXES, *CLOUD_SUFFIXES}))
@pytest.mark.parametrize('share', [0.0, 0.001, 0.02, 0.5, 0.9, 0.995])
def test_files_cut_short_are_refused(tmp_path, mesh, points, suffix, share):
    path = tmp_path / f'whole{suffix}'
    if suffix in CLOUD_SUFFIXES:
        write_cloud(path, points)
    else:
        write_mesh(path, mesh)
    content = path.read_bytes()
    cut = content[:int(len(content) * share)]
    if suffix in ('.obj', '.xyz'):  # no declared size: what ends in the middle of a line shows
        cut = cut[:cut.rfind(b' ') + 1]
    path.write_bytes(cut)
    with pytest.raises(FileError, match='whole'):
        read_model(path)


@pytest.mark.parametrize('encoding', ['ascii', 'binary'])
@pytest.mark.parametrize('suffix', ['.pcd', '.ply'])
def test_clouds_cut_short_in_every_encoding_are_refused(tmp_path, points, suffix, encoding):
    import open3d
    path = tmp_path / f'whole{suffix}'
    content = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points.astype(float)))
    open3d.io.write_point_cloud(str(path), content, write_ascii=encoding == 'ascii')
    whole = path.read_bytes()
    np.testing.assert_allclose(read_cloud(path), points, atol=1e-5)
    for length in (len(whole) // 2, len(whole) - 25):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match='cut short'):
            read_cloud(path)


@pytest.mark.parametrize('suffix', sorted({*MESH_SUFFIXES, *CLOUD_SUFFIXES}))
def test_garbage_is_refused_and_nothing_is_printed(tmp_path, suffix, capfd):
    path = tmp_path / f'garbage{suffix}'
    for seed in range(5):
        path.write_bytes(np.random.default_rng(seed).bytes(3000))
        with pytest.raises(FileError, match='garbage'):
            read_model(path)
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('read', [read_cloud, read_mesh, read_model])
def test_missing_empty_unknown_and_odd_paths(tmp_path, read):
    (tmp_path / 'empty.ply').touch()
    (tmp_path / 'folder.ply').mkdir()
    (tmp_path / 'folder').mkdir()
    os.mkfifo(tmp_path / 'pipe.ply')
    for name, message in [('gone.ply', 'No such file'), ('empty.ply', 'is empty'),
                          ('folder.ply', 'is a folder'), ('folder', 'is a folder'),
                          ('pipe.ply', 'not a regular file'), ('cloud.las', "'.las'"),
                          ('cloud', 'without a suffix')]:
        with pytest.raises(FileError, match=message):
            read(tmp_path / name)


@pytest.mark.parametrize(('arrays', 'message'), [
    ({'a': np.zeros((5, 3)), 'b': np.zeros((5, 3))}, 'found a, b'),
    ({}, 'found nothing'),
    ({'points': np.zeros((5, 4))}, r'\(5, 4\)'),
    ({'points': np.zeros((3, 5)).tolist()}, r'\(3, 5\)'),
    ({'points': np.zeros((0, 3))}, 'no points'),
    ({'points': np.array(['x', 'y'])}, 'expected numbers'),
    ({'points': np.zeros((5, 3), dtype=complex)}, 'expected numbers'),
    ({'points': np.full((5, 3), np.nan)}, 'none of its 5 points is finite'),
    ({'points': np.full((5, 3), 1e300)}, 'too large'),
    ({'points': np.array([None, {}], dtype=object)}, 'npz'),
])
def test_archives_without_clouds(tmp_path, arrays, message):
    np.savez(tmp_path / 'c.npz', **arrays)
    with pytest.raises(FileError, match=message):
        read_cloud(tmp_path / 'c.npz')


def test_archive_key_is_points_or_the_only_one(tmp_path, points):
    np.savez(tmp_path / 'one.npz', cloud=points)
    np.savez(tmp_path / 'two.npz', other=points[:1], points=points.astype(np.float64))
    for name in ('one', 'two'):
        np.testing.assert_array_equal(read_cloud(tmp_path / f'{name}.npz'), points)


class _Trap:
    def __reduce__(self):
        return os.system, ('touch sprung',)


def test_pickles_are_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save('c.npy', np.array([_Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match=r'c\.npy'):
        read_cloud('c.npy')
    assert not Path('sprung').exists()


def test_rows_of_text_may_have_attributes_but_not_differ(tmp_path):
    (tmp_path / 'c.xyz').write_text('# x y z red\n0 0 0 255\n1 2 3 0\n')
    np.testing.assert_array_equal(read_cloud(tmp_path / 'c.xyz'), [[0, 0, 0], [1, 2, 3]])
    (tmp_path / 'c.xyz').write_text('0 0 0\n1 2\n')
    with pytest.raises(FileError, match='rows'):
        read_cloud(tmp_path / 'c.xyz')


@pytest.mark.parametrize(('vertices', 'faces', 'message'), [
    ([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], [[0, 1, 2]], 'not finite .first: vertex 2'),
    ([[0, 0, 0], [1, 0, 0], [0, 1e300, 0]], [[0, 1, 2]], 'not finite'),
    (SQUARE, [[0, 1, 4]], r'\[0, 4\]'),
    (SQUARE, [[0, -1, 2]], r'\[-1, 2\]'),
    (SQUARE, [[0.0, 1.0, 2.0]], 'integers'),
    (SQUARE, [[0, 1, 2, 3]], r'\(1, 4\)'),
    (np.zeros((0, 3)), [[0, 1, 2]], r'\(0, 3\)'),
])
def test_broken_meshes_are_refused(vertices, faces, message):
    with pytest.raises(CloudError, match=message):
        TriangleMesh(vertices=vertices, faces=faces)


def test_writers_name_what_they_cannot_do(tmp_path, mesh, points):
    for write, content in ((write_mesh, mesh), (write_cloud, points)):
        for name in ('x.docx', 'gone/x.ply'):
            with pytest.raises(FileError, match='cannot write'):
                write(tmp_path / name, content)


@pytest.mark.parametrize('read', [read_mesh, read_model, read_cloud, read_point_cloud])
def test_every_reader_of_a_model_takes_a_unit(tmp_path, mesh, read):
    write_mesh(tmp_path / 'm.ply', mesh)
    in_m, in_inches = (np.asarray(getattr(model, 'vertices', getattr(model, 'points', model)))
                       for model in (read(tmp_path / 'm.ply'), read(tmp_path / 'm.ply',
                                                                    unit='in')))
    assert in_inches == pytest.approx(0.0254 * in_m, rel=1e-5, abs=1e-6)
    with pytest.raises(FileError, match="unit 'km' is not known; use m, cm, mm, in"):
        read(tmp_path / 'm.ply', unit='km')
