"""Mesh files as programs write them: odd, but whole, and read as what they are."""

import struct

import numpy as np
import pytest

from pointpng_core.errors import FileError
from pointpng_core.io import read_mesh

CORNERS = np.array([[0, 0, 0], [3, 0, 0], [3, 3, 0], [2, 3, 0], [2, 1, 0], [1, 1, 0], [1, 3, 0],
                    [0, 3, 0]]) / 10
U_AREA = 0.07
FACET = '  facet normal 0 0 1\n    outer loop\n{}    endloop\n  endfacet\n'
TRIANGLE = FACET.format('      vertex 0 0 0\n      vertex 1e-1 0 0\n      vertex 0 .1 0\n')
TEXT = f'solid part\n{TRIANGLE}endsolid part\n'
BINARY = b'\0' * 80 + struct.pack('<I', 1) + np.array(
    [0, 0, 1, 0, 0, 0, .1, 0, 0, 0, .1, 0], '<f4').tobytes() + b'\0\0'
SQUARE = '0 0 0\n.1 0 0\n.1 .1 0\n0 .1 0\n'
PLY = ('ply\nformat ascii 1.0\ncomment {}\nelement vertex 8\nproperty float x\nproperty float y\n'
       'property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n')
ROWS = '\n'.join(' '.join(map(str, row)) for row in CORNERS.tolist()) + '\n'
FACE = '8 0 1 2 3 4 5 6 7\n'

OBJ = 'v 0 0 0\nv .1 0 0\nv .1 .1 0\nv 0 .1 0\nf 1 2 3 4\n'
OFF = 'OFF\n4 1 0\n' + SQUARE + '4 0 1 2 3\n'
EDGES_PLY = ('ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n'
             'property float z\nelement face 4\nproperty list uchar int vertex_indices\n'
             'end_header\n' + SQUARE)


@pytest.fixture
def read(tmp_path):
    def read(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode('latin-1'))
        return read_mesh(path)
    return read


def area(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


@pytest.mark.parametrize(('name', 'content', 'wanted'), [
    ('u.obj', ''.join('v {} {} {}\n'.format(*row) for row in CORNERS.tolist())
     + 'f 1 2 3 4 5 6 7 8\n', U_AREA),
    ('u.ply', PLY.format('U') + ROWS + FACE, U_AREA),
    ('u.off', 'OFF\n8 1 0\n' + ROWS + FACE, U_AREA),
    ('umlaut.ply', PLY.format('f\xfcr M\xfcller') + ROWS + FACE, U_AREA),
    ('end.ply', PLY.format('end_header is below') + ROWS + FACE, U_AREA),
    ('long.stl', TEXT.replace('1e-1', '1.' + 36 * '0' + 'e-01'), 0.005),
    ('continued.obj', 'v 0 0 0\nv .1 0 0\nv .1 .1 0\nv 0 \\\n.1 0\nf 1 2 \\\n 3 4\n', 0.01),
    ('comment.obj', 'v 0 0 0 # origin\nv .1 0 0\nv .1 .1 0\nf 1 2 3 # a face\n', 0.005),
    ('line.off', 'OFF 4 1 0\n' + SQUARE + '4 0 1 2 3\n', 0.01),
    ('small.off', 'off\n4 1 0\n' + SQUARE + '4 0 1 2 3\n', 0.01),
    ('text.stl', TEXT, 0.005), ('capitals.stl', TEXT.upper(), 0.005),
    ('blank.stl', '\n\r\n' + TEXT, 0.005), ('two.stl', TEXT + TEXT, 0.01),
    ('binary.stl', BINARY, 0.005), ('behind.stl', BINARY + b'made by CAD', 0.005),
    ('solid.stl', b'solid' + BINARY[5:], 0.005)])
def test_the_surface_of_whole_files(read, name, content, wanted):
    assert area(read(name, content)) == pytest.approx(wanted)


@pytest.mark.parametrize(('name', 'content', 'message'), [
    ('no_end.stl', TEXT.rpartition('endsolid')[0], 'has no end'),
    ('half.stl', TEXT.replace('vertex 0 .1 0', 'vertex 0'), 'whole STL'),
    ('words.stl', TEXT.replace('1e-1', 'nil'), 'whole STL'),
    ('cut.stl', BINARY[:-3], 'cut short'), ('empty.stl', b'', 'is empty'),
    ('header.stl', b'\0' * 50, 'fewer than a header'),
    ('sigsegv.off', 'OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\nx\n', 'whole OFF'),
    ('far.off', 'OFF\n4 1 0\n' + SQUARE + '4 0 1 2 99999999\n', '99999999'),
    ('far.obj', 'v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99999999999999999999\n', 'whole OBJ'),
    ('far_triangle.off', 'OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 99999999\n', '99999999'),
    ('gon.obj', 'v 0 0 0\nv 1 0 0\nf 1 2\n', 'no readable faces'),
    ('ends.obj', OBJ + 'f 1 2', 'too few numbers'),
    ('vertex.obj', 'v 0 0\n' + OBJ, 'too few numbers'),
    ('behind.off', OFF + '1 2\n', '6 rows of numbers'),
    ('4.off', '4' + OFF, 'no valid OFF header')])
def test_what_is_not_whole_is_refused(read, name, content, message):
    with pytest.raises(FileError) as error:
        read(name, content)
    assert message in str(error.value)


@pytest.mark.parametrize(('name', 'content'), [
    ('edges.obj', OBJ.replace('f', 'f 1 3\nf 2\nf\nf') + 'f 1/1 2/2\n'),
    ('edges.off', OFF.replace('4 1 0', '4 4 0').replace('4 0 1', '2 0 2\n1 1\n0\n4 0 1')),
    ('edges.ply', EDGES_PLY + '2 0 2\n1 1\n0\n4 0 1 2 3\n'),
    ('edges_binary.ply', EDGES_PLY.replace('ascii', 'binary_little_endian')[:-len(SQUARE)].encode()
     + np.array(SQUARE.split(), '<f4').tobytes() + struct.pack('<BiiBiBBiiii', 2, 0, 2, 1, 1, 0, 4,
                                                               0, 1, 2, 3))])
def test_faces_of_fewer_than_three_corners_are_no_surface(read, name, content):
    mesh = read(name, content)
    assert len(mesh.faces) == 2
    assert area(mesh) == pytest.approx(0.01)


def with_columns(extra):
    return SQUARE.replace('\n', f' {extra}\n')


@pytest.mark.parametrize('content', [
    '# f\xfcr M\xfcller\n' + OFF, OFF.replace('OFF\n', 'OFF # M\xfc\n# f\xfcr\n\n'),
    OFF.replace('4 1 0\n', '4 1 0 # \xe9\n# corners\n'), OFF.replace('\n', ' # \xfc\n'),
    OFF + '# the end, 5 6 7\n', ('# \u2713 \u2028 1 2\n' + OFF).encode(), OFF.replace('\n', '\r'),
    OFF.replace('4 0 1 2 3', '4 0 1 2 3 255 0 0 255'),
    OFF.replace('4 0 1 2 3', '4 0 1 2 3 .5 .1 0'),
    OFF.replace('4 1 0', '4 1'), OFF.replace('\n', '\r\n'),
    'COFF\n4 1 0\n' + with_columns('255 0 0 255') + '4 0 1 2 3\n',
    'NOFF\n4 1 0\n' + with_columns('0 0 1') + '4 0 1 2 3\n',
    'STOFF\n4 1 0\n' + with_columns('.5 .5') + '4 0 1 2 3\n',
    'STCNOFF\n4 1 0\n' + with_columns('0 0 1 1 0 0 1 .5 .5') + '4 0 1 2 3 1 0 0\n'])
def test_comments_and_columns_of_off_do_not_matter(read, content):
    mesh = read('a.off', content)
    assert mesh.vertices.tolist() == read('b.off', OFF).vertices.tolist()
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]


def test_vertices_of_no_face_do_not_count(read):
    content = 'v 5 5 5\nv 0 0 0\nv .1 0 0\nv .1 .1 0\nf 2 3 4\nv -9 0 0\n'
    assert np.ptp(read('far.obj', content).vertices, axis=0) == pytest.approx([0.1, 0.1, 0])
