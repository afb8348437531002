"""Objects of BOP datasets in a library: `objects import-bop`, and `objects add` of one model."""

from helpers.bop import INFO, write_dataset, write_json
import numpy as np
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.errors import FileError, LibraryError
from pointpng_core.geometry import Symmetry
from pointpng_core.io.bop import BopDataset
from pointpng_core.io.object_library import load_library, named_object
from pointpng_core.reference.library.bop_models import (
    as_new_object,
    chosen_objects,
    import_objects,
    new_object,
)

HALF_ABOUT_MIDDLE = [-1, 0, 0, 60, 0, -1, 0, 40, 0, 0, 1, 0, 0, 0, 0, 1]
MIRROR = [-1, 0, 0, 60, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


@pytest.fixture
def dataset(tmp_path):
    folder = write_dataset(tmp_path / 'tiny')
    entry = {**INFO['7'], 'symmetries_discrete': [HALF_ABOUT_MIDDLE, MIRROR]}
    write_json(folder / 'models' / 'models_info.json', {**INFO, '7': entry})
    return folder


@pytest.fixture
def library(tmp_path):
    return tmp_path / 'library'


def run(*words):
    return cli.main([str(word) for word in words])


def test_a_dataset_becomes_a_library(dataset, library, capsys):
    assert run('objects', 'import-bop', dataset, '--library', library) == 0
    tea, box = load_library(library)
    assert (tea.name, box.name) == ('Tea_box_small', 'obj_000007')
    np.testing.assert_allclose(np.ptp(tea.points, axis=0), [0.06, 0.04, 0.02], rtol=1e-6)
    assert tea.symmetry == Symmetry()
    identity, half = box.symmetry.transforms()
    expected = np.array(HALF_ABOUT_MIDDLE, dtype=float).reshape(4, 4)
    expected[:3, 3] /= 1000
    np.testing.assert_allclose(identity, np.eye(4))
    np.testing.assert_allclose(half, expected, atol=1e-9)
    printed = capsys.readouterr().out
    assert 'note  a reflection is no motion of a rigid object: left out' in printed
    assert '2 objects in' in printed
    assert 'rotation by 180 degrees about z (2 poses)' in printed


def test_some_objects_of_another_folder_of_models(dataset, library):
    (dataset / 'models').rename(dataset / 'models_eval')
    assert run('objects', 'import-bop', dataset, '--models', 'models_eval', '--objects', '7',
               '--library', library) == 0
    assert [model.name for model in load_library(library)] == ['obj_000007']


@pytest.mark.parametrize(('word', 'symmetry'), [('auto', None), ('none', Symmetry())])
def test_a_symmetry_that_is_asked_for_takes_precedence(dataset, library, word, symmetry):
    run('objects', 'import-bop', dataset, '--objects', '7', '--library', library,
        '--symmetry', word)
    (model,) = load_library(library)
    assert model.symmetry == symmetry


def test_a_name_that_is_taken_stops_the_whole_import(dataset, library):
    items = BopDataset(dataset).objects()
    new = [as_new_object(item) for item in items]
    list(import_objects(library, new[1:]))
    before = (library / 'objects.yaml').read_text()
    with pytest.raises(LibraryError, match="an object 'obj_000007' already"):
        list(import_objects(library, new))
    assert (library / 'objects.yaml').read_text() == before
    assert len(list(import_objects(library, new, replace=True))) == 2


def test_unknown_ids_are_named(dataset):
    items = BopDataset(dataset).objects()
    assert [item.object_id for item in chosen_objects(items, [7, 7])] == [7]
    with pytest.raises(FileError, match='no object 3, 9; it has 2, 7'):
        chosen_objects(items, [3, 7, 9])


@pytest.mark.parametrize('text', ['', '1,', 'a', '1;2', '-1'])
def test_a_list_of_ids_of_another_form_is_refused(dataset, text, capsys):
    with pytest.raises(SystemExit):
        run('objects', 'import-bop', dataset, f'--objects={text}')
    assert 'object ids such as 1,5' in capsys.readouterr().err


def test_a_single_model_has_its_unit_and_symmetry_beside_it(dataset, library, capsys):
    file = dataset / 'models' / 'obj_000007.ply'
    assert run('objects', 'add', file, '--name', 'part', '--library', library) == 0
    model = named_object(library, 'part')
    assert np.ptp(model.points, axis=0).max() == pytest.approx(0.06)
    assert len(model.symmetry.transforms()) == 2
    printed = capsys.readouterr().out
    assert 'note      a BOP model: unit mm, symmetry of models_info.json' in printed


def test_what_is_asked_for_takes_precedence_over_what_lies_beside(dataset):
    file = dataset / 'models' / 'obj_000007.ply'
    assert new_object(file, name='x', unit='cm').unit == 'cm'
    assert new_object(file, name='x', symmetry=Symmetry()).symmetry == Symmetry()
    detected = new_object(file, name='x', detect_symmetry=True)
    assert (detected.unit, detected.symmetry) == ('mm', None)


def test_files_that_are_no_bop_models_are_in_metres(dataset, tmp_path):
    file = tmp_path / 'mug.ply'
    assert new_object(file, name='mug').unit == 'm'
    (dataset / 'models' / 'models_info.json').unlink()
    assert new_object(dataset / 'models' / 'obj_000007.ply', name='x').unit == 'm'


def test_a_model_that_is_missing_is_named(dataset, library, capsys):
    missing = dataset / 'models' / 'obj_000099.ply'
    assert run('objects', 'add', missing, '--name', 'box', '--library', library) == 2
    assert f'cannot read {missing}' in capsys.readouterr().err
