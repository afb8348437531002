"""Archives that reach out of themselves, or that grow when they are unpacked, are refused."""

import io
import warnings
import zipfile

from helpers.fuzzing import file_reader, fuzz
import numpy as np
import pytest

from pointpng_core.errors import FileError
from pointpng_core.io import read_cloud
from pointpng_core.io.array_files import array_names, read_arrays
from pointpng_core.io.limits import GIB, MIB, allowed_array_bytes
from pointpng_core.training.data import SourceConfig, load_sources

h5py = pytest.importorskip('h5py', reason='needs h5py (pip install h5py)')
POINTS = np.random.default_rng(0).normal(size=(3, 64, 3)).astype(np.float32)
SECRET = b'root:x:0:0:' * 3000


def load(path):
    return load_sources([SourceConfig(path=str(path), least_unique=0)], pool=64, seed=0)[0]


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / 'elsewhere' / 'secret'
    path.parent.mkdir()
    path.write_bytes(SECRET)
    with h5py.File(path.with_suffix('.h5'), 'w') as content:
        content['data'] = POINTS
    return path


def external_storage(content, name, secret):
    content.create_dataset(name, (3, 64, 3), 'f4', external=[(str(secret), 0, 3 * 64 * 3 * 4)])


def external_link(content, name, secret):
    content[name] = h5py.ExternalLink(f'{secret}.h5', '/data')


def soft_link(content, name, secret):
    content['else'] = POINTS
    content[name] = h5py.SoftLink('/else')


def link_to_nothing(content, name, secret):
    content[name] = h5py.SoftLink('/nothing')


def virtual(content, name, secret):
    layout = h5py.VirtualLayout(shape=POINTS.shape, dtype='f4')
    layout[:] = h5py.VirtualSource(f'{secret}.h5', 'data', shape=POINTS.shape)
    content.create_virtual_dataset(name, layout)


def group(content, name, secret):
    content.create_group(name)


def references(content, name, secret):
    content.create_dataset(name, data=[content.ref], dtype=h5py.ref_dtype)


def huge(content, name, secret):
    content.create_dataset(name, (10**9, 100, 3), 'f4', chunks=(1, 100, 3), compression='gzip')


def huge_unallocated(content, name, secret):
    content.create_dataset(name, (10**8, 64, 3), 'f4')


def huge_chunk(content, name, secret):
    content.create_dataset(name, (3, 64, 3), 'f4', maxshape=(None, 64, 3), chunks=(10**6, 64, 3))


@pytest.mark.parametrize('name', ['data', 'label'])
@pytest.mark.parametrize('make', [
    external_storage, external_link, soft_link, link_to_nothing, virtual, group, references, huge,
    huge_unallocated, huge_chunk])
def test_hdf5_that_reaches_out_of_its_file_or_its_size_is_refused(tmp_path, secret, make, name):
    with h5py.File(tmp_path / 'train.h5', 'w') as content:
        make(content, name, secret)
        if name == 'label':
            content['data'] = POINTS
    with pytest.raises(FileError, match=f'{name} (is|lies in|declares|must be)') as refusal:
        load(tmp_path / 'train.h5')
    assert 'root:' not in str(refusal.value)


def test_lists_beside_hdf5_are_no_links(tmp_path, secret):
    with h5py.File(tmp_path / 'train.h5', 'w') as content:
        content['data'] = POINTS
    for name in ('shape_names.txt', 'train_files.txt'):
        (tmp_path / name).symlink_to(secret)
        with pytest.raises(FileError, match='no link'):
            load(tmp_path / 'train.h5')
        (tmp_path / name).unlink()
        (tmp_path / name).write_bytes(b'\xff\xfe')
        with pytest.raises(FileError, match='not a readable text'):
            load(tmp_path / 'train.h5')
        (tmp_path / name).unlink()


def npy(array, *, shape=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue().replace(b"'shape': (3, 64, 3)", f"'shape': {shape}".encode()
                                     if shape else b"'shape': (3, 64, 3)")


def npz(*members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')          # names that occur twice
                archive.writestr(name, content)
    return stream.getvalue()


WHOLE = npz(('points.npy', npy(POINTS)))
HOSTILE = {
    'bomb': npz(('points.npy', npy(np.zeros((100, 1 << 20, 3), np.float32)))),
    'many bombs': npz(*((f'{k}/vertices.npy', npy(np.zeros((4 << 20, 3), np.float32)))
                        for k in range(20))),
    'header of 10^12 points': npz(('points.npy', npy(POINTS, shape=(10**12, 64, 3)))),
    'negative shape': npz(('points.npy', npy(POINTS, shape=(-3, -64, 3)))),
    'objects': npz(('points.npy', npy(np.array([{}] * 9, object)))),
    'twice': npz(('points.npy', npy(POINTS)), ('points.npy', npy(POINTS + 1))),
    'twice without suffix': npz(('points.npy', npy(POINTS)), ('points', npy(POINTS + 1))),
    'longer than its header': npz(('points.npy', npy(POINTS) + b'more')),
    'nested header': npz(('points.npy', b'\x93NUMPY\x01\x00\xe8\x26' + b'(' * 9960 + b'\n'))}


@pytest.mark.parametrize('kind', HOSTILE)
def test_npz_that_grows_or_deceives_is_refused_without_memory(tmp_path, kind):
    """A deflated archive of 1.2 MB can become 1.2 GB."""
    def reader(content):
        path = tmp_path / 'a.npz'
        path.write_bytes(content)
        for read in (load, read_arrays):
            read(path)
    report = fuzz(reader, lambda index: (WHOLE, HOSTILE[kind])[index], inputs=2, name=kind,
                  memory_bytes=256 * MIB)
    assert (report.accepted, report.refused) == (1, 1), report.failures


@pytest.mark.parametrize('data', [
    npy(POINTS, shape=(10**12, 64, 3)), npy(POINTS, shape=(-3, -64, 3)), npy(POINTS)[:-1],
    npy(POINTS) + b'x', npy(np.array([{}], object)), b'\x93NUMPY\x01\x00\xe8\x26' + b'(' * 9960])
def test_an_npy_file_that_declares_what_it_does_not_hold_takes_no_memory(data):
    whole = npy(POINTS[0])
    report = fuzz(file_reader(read_cloud, 'a.npy'), lambda index: (whole, data)[index], inputs=2,
                  name='npy', memory_bytes=64 * MIB)
    assert (report.accepted, report.refused) == (1, 1), report.failures


def test_arrays_are_read_by_name(tmp_path):
    path = tmp_path / 'a.npz'
    np.savez_compressed(path, a=POINTS, b=np.array('text'), c=np.asfortranarray(POINTS[0]))
    assert array_names(path) == ['a', 'b', 'c']
    found = read_arrays(path)
    np.testing.assert_array_equal(found['a'], POINTS)
    np.testing.assert_array_equal(found['c'], POINTS[0])
    assert found['b'] == 'text'
    assert list(read_arrays(path, ('c', 'none'))) == ['c']


def test_no_archive_is_allowed_more_than_the_largest():
    assert allowed_array_bytes(1000) == 256 * MIB
    assert allowed_array_bytes(10 * MIB) == 1000 * MIB
    assert allowed_array_bytes(10 * GIB) == 8 * GIB
