"""PCD files of every type and size, written by hand, and what is refused."""

from io import BytesIO
import struct

import numpy as np
import pytest

from pointpng_core.errors import FileError
from pointpng_core.io import read_cloud
from pointpng_core.io.cloud_files import write_cloud
from pointpng_core.io.lzf import decompressed
from pointpng_core.io.pcd import read_pcd

RNG = np.random.default_rng(4)
POINTS = RNG.integers(1, 100, (500, 3))
KINDS = {('F', 4): '<f4', ('F', 8): '<f8', **{
    (kind, size): f'<{kind.lower()}{size}' for kind in 'IU' for size in (1, 2, 4, 8)}}
DATA = ('ascii', 'binary', 'binary_compressed')


def literal_runs(data):
    """Data as LZF that copies nothing, as a writer that compresses nothing."""
    return b''.join(bytes([len(run) - 1]) + run for run in (
        data[at:at + 32] for at in range(0, len(data), 32)))


def pcd(points=POINTS, *, kind=('F', 4), data='binary', fields='x y z intensity', counts='1 1 1 3',
        declared=None, pack=literal_runs, **lines):
    """The bytes of a file whose coordinates have one type, beside three 2-byte numbers."""
    letter, size = kind
    declared = len(points) if declared is None else declared
    header = {'VERSION': '0.7', 'FIELDS': fields, 'SIZE': f'{size} {size} {size} 2',
              'TYPE': f'{letter} {letter} {letter} U', 'COUNT': counts, 'WIDTH': declared,
              'HEIGHT': 1, 'VIEWPOINT': '0 0 0 1 0 0 0', 'POINTS': declared, 'DATA': data} | lines
    text = '# .PCD\n' + ''.join(f'{name} {value}\n' for name, value in header.items())
    table = np.zeros(len(points), [('x', KINDS[kind]), ('y', KINDS[kind]), ('z', KINDS[kind]),
                                   ('intensity', '<u2', 3)])
    for column, axis in enumerate('xyz'):
        table[axis] = points[:, column]
    table['intensity'] = 7
    return text.encode() + _BODIES[data](table, pack)


def _ascii(table, pack):
    out = BytesIO()
    np.savetxt(out, np.column_stack([table[name] for name in table.dtype.names]), fmt='%.17g')
    return out.getvalue()


def _compressed(table, pack):
    columns = b''.join(np.ascontiguousarray(table[name]).tobytes() for name in table.dtype.names)
    packed = pack(columns)
    return struct.pack('<II', len(packed), len(columns)) + packed


_BODIES = {'ascii': _ascii, 'binary': lambda table, pack: table.tobytes(),
           'binary_compressed': _compressed}


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / 'cloud.pcd'
        path.write_bytes(content)
        return read_pcd(path)
    return read


@pytest.mark.parametrize('data', DATA)
@pytest.mark.parametrize('kind', KINDS)
def test_coordinates_of_every_type_are_read(read, kind, data):
    assert (read(pcd(kind=kind, data=data)) == POINTS).all()


@pytest.mark.parametrize('data', DATA)
def test_doubles_keep_their_digits_and_holes_stay(read, data):
    points = POINTS / 7.0
    points[3] = np.nan
    assert np.array_equal(read(pcd(points, kind=('F', 8), data=data)), points, equal_nan=True)


def test_text_may_have_empty_lines_rows_to_spare_and_words_that_are_no_coordinates(read):
    head, rows = pcd(data='ascii').split(b'DATA ascii\n')
    lines = rows.splitlines()
    first = lines[0].split()
    lines[0] = b' '.join([*first[:3], b'word', *first[4:], b'more'])
    content = head + b'DATA ascii\n\n' + b'\r\n\r\n'.join([*lines, b'not read'])
    assert (read(content) == POINTS).all()


@pytest.mark.parametrize(('row', 'whole'), [(0, 0), (7, 7), (499, 499)])
def test_a_short_row_of_text_is_named(read, row, whole):
    lines = pcd(data='ascii').splitlines()
    start = len(lines) - len(POINTS)
    lines[start + row] = lines[start + row].rpartition(b' ')[0]
    with pytest.raises(FileError, match=f'only {whole} rows of 6 numbers'):
        read(b'\n'.join(lines))


@pytest.mark.parametrize('word', [b'1_0', b'abc', b'--1', b'0x10'])
def test_words_that_are_no_numbers_are_refused(read, word):
    with pytest.raises(FileError, match=r'cloud\.pcd is not a whole'):
        read(pcd(data='ascii').replace(b'DATA ascii\n', b'DATA ascii\n' + word + b' ', 1))


def test_files_that_open3d_writes_are_read_alike(tmp_path):
    open3d = pytest.importorskip('open3d')
    points = (POINTS / 7.0).astype(np.float32)
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    for number, options in enumerate(({}, {'write_ascii': True}, {'compressed': True})):
        path = tmp_path / f'{number}.pcd'
        assert open3d.io.write_point_cloud(str(path), cloud, **options)
        assert read_cloud(path) == pytest.approx(points, rel=1e-6)
    write_cloud(tmp_path / 'own.pcd', points)
    assert (read_cloud(tmp_path / 'own.pcd') == points).all()


def test_copies_repeat_what_was_unpacked():
    assert decompressed(b'\x02abc' + b'\x20\x02', 6) == b'abcabc'
    assert decompressed(b'\x00a' + bytes([7 << 5, 10, 0]), 20) == b'a' * 20
    far = bytes(range(256)) * 2
    runs = b''.join(b'\x1f' + far[at:at + 32] for at in range(0, 512, 32))
    assert decompressed(runs + bytes([(1 << 5) | 1, 0xff]), 515) == far + far[:3]


@pytest.mark.parametrize(('content', 'message'), [
    (b'', 'no line FIELDS'),
    (pcd(TYPE='F F F Q'), "TYPE 'Q' of SIZE 2"),
    (pcd(SIZE='3 4 4 2'), 'of SIZE 3'),
    (pcd(fields='x y w intensity'), "no field 'z'"),
    (pcd(fields='x y z'), 'have 3, 4, 4 and 4 words'),
    (pcd(counts='2 1 1 3', points=POINTS[:0]), "COUNT of 'x' is 2"),
    (pcd(WIDTH=7), 'WIDTH x HEIGHT is 7 x 1'),
    (pcd(POINTS='-1'), "POINTS is '-1'"),
    (pcd(declared=10 ** 12), 'declares 1000000000000 points'),
    (pcd(declared=10 ** 12, data='ascii'), 'declares 1000000000000 points'),
    (pcd(declared=501), 'only 500 could be read'),
    (pcd(data='ascii')[:-30], 'only 498 rows'),
    (pcd(declared=501, data='binary_compressed'), 'but 501 points have'),
    (pcd(data='binary_compressed')[:-1], 'was it cut short'),
    (pcd(data='binary_compressed', pack=lambda raw: b'\x00a' + bytes([7 << 5, 255, 0]) * 9),
     'do not unpack to'),
    (pcd(data='binary_compressed', pack=lambda raw: bytes([32, 0])), 'not unpacked yet'),
    (pcd(DATA='zipped'), "DATA is 'zipped'")])
def test_what_is_not_as_declared_is_refused(read, content, message):
    with pytest.raises(FileError, match=r'cloud\.pcd') as error:
        read(content)
    assert message in str(error.value)


@pytest.mark.parametrize('data', DATA)
def test_no_cut_file_is_taken_for_a_whole_one(read, data):
    content = pcd(data=data).rstrip()
    for end in range(0, len(content) - 1, max(1, len(content) // 97)):
        with pytest.raises(FileError):
            read(content[:end])
