"""A cache of references that was changed: every doubt is found, said once, and built anew."""

import logging
import os

from helpers.objects import boxes, whole
from helpers.references import CountingBuilder, view_of_mug
import numpy as np
import pytest

from pointpng_core.errors import FileError
from pointpng_core.geometry import Symmetry
from pointpng_core.io.sealed_arrays import MAX_BYTES, read_sealed, sealed
from pointpng_core.reference.disk_cache import ReferenceCache
from pointpng_core.reference.stored_arrays import LAYOUT, check_arrays

MODEL = boxes(([0, 0, 0], [0.1, 0.2, 0.3]))
DIM = CountingBuilder().encoder.dim


@pytest.fixture
def stored(tmp_path):
    """The cache file of a box, its key, and the reference."""
    reference = ReferenceCache(CountingBuilder(), folder=tmp_path).from_model(
        MODEL, name='box', symmetry=Symmetry())
    (path,) = tmp_path.glob('*.reference')
    return path, path.stem, reference


def read_again(path, caplog):
    """What the cache gives now, how often it was built, and what was said."""
    builder = CountingBuilder()
    cache = ReferenceCache(builder, folder=path.parent)
    with caplog.at_level(logging.WARNING):
        caplog.clear()
        found = [cache.from_model(MODEL, name='box', symmetry=Symmetry()) for _ in range(2)]
    return found[0], builder.built, [record.getMessage() for record in caplog.records]


def same(a, b):
    first, second = a.arrays(), b.arrays()
    return all(np.array_equal(first[key], second[key]) for key in first)


def moved_centre(arrays):
    arrays['centre'] = arrays['centre'] + (0.05, 0, 0)


def moved_with_its_surface(arrays):
    shift = np.array([0.05, 0, 0])
    arrays['centre'] = arrays['centre'] + shift
    arrays['points'] = (arrays['points'] + shift).astype(np.float32)


def changed(name, change):
    def change_array(arrays):
        arrays[name] = change(arrays[name])
    return change_array


def without(name):
    return lambda arrays: arrays.pop(name)


def set_nan(array):
    array.flat[len(array.flat) // 2] = np.nan
    return array


FORGED = {
    'centre': moved_centre, 'centre and points': moved_with_its_surface,
    'no normals': without('normals'), 'more': lambda arrays: arrays.update(extra=np.zeros(3)),
    'nan points': changed('points', set_nan),
    'nan embeddings': changed('views.embeddings', set_nan),
    'float64': changed('points', lambda a: a.astype(np.float64)),
    'fewer normals': changed('normals', lambda a: a[:-1]),
    'flat': changed('points', lambda a: a.reshape(-1)),
    'flipped normals': changed('normals', np.negative),
    'long normals': changed('normals', lambda a: 2 * a),
    'row of no point': changed('field.nearest', lambda a: a + 10**6),
    'negative row': changed('field.neighbours', lambda a: a - 10**6),
    'cell': changed('field.cell', np.zeros_like),
    'reach': changed('field.reach', lambda a: 99 * a),
    'diameter': changed('diameter_m', lambda a: np.asarray(1.3 * a)),
    'spacing': changed('spacing_m', lambda a: np.asarray(-a)),
    'mirrored views': changed('views.R_view_reference', np.negative),
    'scaled views': changed('views.R_view_reference', lambda a: 1.1 * a),
    'far views': changed('views.centroids', lambda a: a + np.float32(1)),
    'other embeddings': changed('views.embeddings', lambda a: a[:, :-1]),
    'near symmetry': changed('near_symmetries', lambda a: np.full((1, 4, 4), 2.0)),
    'no symmetry': changed('symmetry', lambda a: np.full((1, 7), 1e300)),
    'no views': lambda arrays: arrays.update(
        {name: arrays[name][:0] for name in LAYOUT if name.startswith('views.')}),
}


@pytest.mark.parametrize('kind', FORGED)
def test_a_forged_reference_is_built_again(stored, kind, caplog):
    """Under a right seal: the content itself is checked, against the model too."""
    path, key, reference = stored
    arrays = {name: array.copy() for name, array in reference.arrays().items()}
    FORGED[kind](arrays)
    path.write_bytes(sealed(arrays, key=key))
    found, built, said = read_again(path, caplog)
    assert built == 1
    assert same(found, reference)
    assert len(said) == 1


@pytest.mark.parametrize('place', [0, 9, 41, 300, -2000, -1])
def test_any_flipped_bit_breaks_the_seal(stored, place, caplog):
    path, _, reference = stored
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    found, built, (said,) = read_again(path, caplog)
    assert built == 1
    assert same(found, reference)
    assert str(path) in said


def test_a_right_file_under_another_name_is_refused(stored, tmp_path, caplog):
    path, _, reference = stored
    ReferenceCache(CountingBuilder(), folder=tmp_path).from_model(
        whole('mug', 500), name='mug', symmetry=Symmetry())
    (other,) = set(tmp_path.glob('*.reference')) - {path}
    os.replace(other, path)
    found, built, _ = read_again(path, caplog)
    assert built == 1
    assert same(found, reference)


def test_a_file_that_others_may_write_is_not_used(stored, caplog):
    path, key, _ = stored
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o666)
    _, built, (said,) = read_again(path, caplog)
    assert built == 1
    assert 'could have been written by another user' in said
    assert read_sealed(path, key=key)                        # replaced by one's own


def test_links_pipes_and_endless_files_are_not_read(stored, caplog, tmp_path):
    path, key, _ = stored
    content = path.read_bytes()
    (tmp_path / 'elsewhere').write_bytes(content)
    for make in (lambda: path.symlink_to(tmp_path / 'elsewhere'), lambda: os.mkfifo(path),
                 lambda: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), MAX_BYTES + 1)):
        path.unlink()
        make()
        with pytest.raises(FileError):
            read_sealed(path, key=key)
        assert read_again(path, caplog)[1] == 1


def test_what_was_built_is_accepted_for_models_clouds_and_views(tmp_path):
    builder = CountingBuilder()
    for model in (MODEL, whole('mug', 500), boxes(([0, 0, 0], [0.3, 0.3, 0.001]))):
        check_arrays(builder.from_model(model, name='a', symmetry=None).arrays(), dim=DIM)
    check_arrays(builder.from_view(view_of_mug(), name='a').arrays(), dim=DIM)
