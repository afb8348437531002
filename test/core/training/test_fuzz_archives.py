"""Mutated archives of objects: refused, or finite objects come out of them."""

import io
import zipfile

from helpers.fuzzing import each_size, file_reader, fuzz
from helpers.mutations import mutated
import numpy as np
import pytest
import torch

from pointpng_core.io.array_files import read_arrays
from pointpng_core.training.data import SourceConfig, load_sources
from pointpng_core.training.data.cache import cached
from pointpng_core.training.data.objects import Prepared

h5py = pytest.importorskip('h5py', reason='needs h5py (pip install h5py)')
RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(3, 40, 3))
CLOUDS = {'points': (POINTS * 1000).astype(np.int16), 'label': np.array([0, 1, 0], np.uint8),
          'split': np.zeros(3, np.uint8), 'name': np.array(list('abc')),
          'class_names': np.array(['bed', 'desk']), 'n_unique': np.full(3, 900, np.uint16)}
TETRAHEDRON = {'a/vertices': np.eye(4, 3, dtype=np.float32),
               'a/faces': np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint16)}


def load(path):
    objects = load_sources([SourceConfig(path=str(path))], pool=16, seed=0)[0]
    assert objects.points.shape == objects.normals.shape == (len(objects), 16, 3)
    assert torch.isfinite(objects.points).all()
    assert torch.isfinite(objects.normals).all()
    assert objects.points.abs().max() <= 1.001
    assert len(objects.names) == len(objects.labels) == len(objects) > 0


def npz(arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


SEEDS = [npz(CLOUDS), npz({'points': POINTS, 'normals': POINTS}), npz(TETRAHEDRON)]


@each_size
def test_npz(inputs):
    fuzz(file_reader(load, 'a.npz'), mutated(SEEDS), inputs=inputs, valid=len(SEEDS),
         name='npz').check()


@each_size
def test_npz_whose_members_are_mutated(inputs):
    """The checksums of an archive stop most mutations; here they are right again."""
    members = {key: npz({'x': array}) for key, array in CLOUDS.items()}
    raw = {key: zipfile.ZipFile(io.BytesIO(data)).read('x.npy') for key, data in members.items()}
    makers = {key: mutated([data], seed=number) for number, (key, data) in enumerate(raw.items())}

    def make(index):
        stream, chosen = io.BytesIO(), list(raw)[index % len(raw)]
        with zipfile.ZipFile(stream, 'w', zipfile.ZIP_DEFLATED) as archive:
            for key, data in raw.items():
                archive.writestr(f'{key}.npy', makers[key](index) if key == chosen else data)
        return stream.getvalue()
    fuzz(file_reader(load, 'a.npz'), make, inputs=inputs, name='npy in npz').check()


@each_size
def test_hdf5(tmp_path, inputs):
    seeds = []
    for options in ({}, {'compression': 'gzip', 'shuffle': True, 'fletcher32': True}):
        path = tmp_path / 'train.h5'
        with h5py.File(path, 'w') as content:
            content.create_dataset('data', data=POINTS.astype(np.float32), **options)
            content.create_dataset('label', data=np.array([0, 1, 0], np.uint8)[:, None], **options)
        seeds.append(path.read_bytes())
    fuzz(file_reader(load, 'train.h5'), mutated(seeds), inputs=inputs, valid=2,
         name='HDF5').check()


@each_size
def test_any_arrays(inputs):
    def read(path):
        for array in read_arrays(path).values():
            assert not array.dtype.hasobject
    fuzz(file_reader(read, 'a.npz'), mutated(SEEDS), inputs=inputs, valid=len(SEEDS),
         name='arrays of any npz').check()


@each_size
def test_the_cache_of_objects_is_built_again_on_any_doubt(tmp_path, inputs):
    """What a mutated file gives is what was stored, or is built anew."""
    whole = Prepared(points=np.zeros((1, 16, 3), np.float32),
                     normals=np.zeros((1, 16, 3), np.float32), labels=np.zeros(1, np.int64),
                     names=('a',), class_names=('b',), facts={'c': 1})
    cached(tmp_path, ('parts',), lambda: whole)
    [path] = tmp_path.iterdir()

    def read(data):
        path.write_bytes(data)
        found = cached(tmp_path, ('parts',), lambda: whole)
        assert found.points.shape == found.normals.shape
        assert np.isfinite(found.points).all()
    report = fuzz(read, mutated([path.read_bytes()]), inputs=inputs, name='cache of objects')
    assert (report.failures, report.accepted) == ({}, inputs)
