"""Mutated cache files, as they are and under a right seal: the reference of the model, always."""

from pathlib import Path
import struct

from helpers.fuzzing import each_size, fuzz
from helpers.mutations import mutated
from helpers.objects import boxes
from helpers.references import CountingBuilder
import numpy as np
import torch

from pointpng_core.estimation.confidence.logistic import default_calibration, read_calibration
from pointpng_core.geometry import Symmetry
from pointpng_core.io.sealed_arrays import MAGIC, _digest
from pointpng_core.reference.disk_cache import ReferenceCache
from pointpng_core.reference.reference import Reference

MODEL = boxes(([0, 0, 0], [0.1, 0.2, 0.3]))
HEADER = len(MAGIC) + 32
EXACT = ('points', 'normals', 'symmetry')
NEAR = ('centre', 'diameter_m')


class Refused(CountingBuilder):
    """Building anew is what a refused file leads to: it is counted as a refusal."""

    def _build(self, surface, directions):
        from pointpng_core.errors import FileError
        raise FileError('built again')


def checked(reference: Reference, right: Reference):
    """A reference that was accepted is that of the model."""
    found, expected = reference.arrays(), right.arrays()
    for name in EXACT:
        np.testing.assert_array_equal(found[name], expected[name])
    for name in NEAR:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-3, rtol=2e-3)
    for name, array in found.items():
        assert array.shape == expected[name].shape
        assert array.dtype == expected[name].dtype
        assert np.isfinite(array).all()


def cache_reader(folder: Path, *, forge: bool):
    torch.set_num_threads(1)
    right = ReferenceCache(CountingBuilder(), folder=folder).from_model(
        MODEL, name='box', symmetry=Symmetry())
    (path,) = folder.glob('*.reference')
    content = path.read_bytes()

    def read(data):
        body = data[HEADER:]
        if forge:
            data = MAGIC + _digest(path.stem, body) + body
        path.write_bytes(data)
        path.chmod(0o600)
        checked(ReferenceCache(Refused(), folder=folder).from_model(
            MODEL, name='box', symmetry=Symmetry()), right)

    return read, content


@each_size
def test_changed_files(inputs, tmp_path):
    read, content = cache_reader(tmp_path, forge=False)
    fuzz(read, mutated([content]), inputs=inputs, name='reference').check()


@each_size
def test_forged_files(inputs, tmp_path):
    read, content = cache_reader(tmp_path, forge=True)
    words = (struct.pack('<f', float('nan')), struct.pack('<d', 1e300), b'"F32"', b'"F64"',
             b'"shape":[', b'"data_offsets":[0,', b'"points"')
    fuzz(read, mutated([content], tokens=words), inputs=inputs, name='reference, forged').check()


@each_size
def test_calibrations(inputs, tmp_path):
    default_calibration().write(tmp_path / 'right.json')

    def read(data):
        (tmp_path / 'c.json').write_bytes(data)
        calibration = read_calibration(tmp_path / 'c.json')
        assert np.isfinite([value for part in calibration.to_mapping().values()
                            for value in part.values()]).all()

    words = (b'NaN', b'1e999', b'9' * 5000, b'null', b'[', b'{', b'"intercept": ')
    fuzz(read, mutated([(tmp_path / 'right.json').read_bytes()], tokens=words), inputs=inputs,
         name='calibration.json').check()
