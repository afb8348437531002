"""Object libraries: a round trip, and every way we know to break `objects.yaml`."""

from helpers.objects import boxes
import numpy as np
import pytest
import yaml

from pointpng_core.errors import LibraryError
from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.io import TriangleMesh, write_cloud
from pointpng_core.io.object_library import ObjectModel, load_library, write_library

CLOUD = np.random.default_rng(0).uniform(-0.05, 0.05, size=(100, 3)).astype(np.float32)
CAN = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=0),
                         Rotational(axis=(1, 0, 0), order=2, point=(0, 0, 0.06))))


def entry(**changes):
    return {'name': 'mug', 'file': 'mug.ply', 'unit': 'm', 'symmetry': 'none'} | changes


@pytest.fixture
def folder(tmp_path):
    write_cloud(tmp_path / 'mug.ply', CLOUD)
    return tmp_path


def write_objects(folder, *entries):
    (folder / 'objects.yaml').write_text(yaml.safe_dump({'objects': list(entries)}))
    return folder


def test_round_trip(tmp_path):
    tetrahedron = TriangleMesh(vertices=CLOUD[:4], faces=[[0, 1, 2], [0, 2, 3], [0, 3, 1]])
    models = [ObjectModel(name='mug', model=tetrahedron, symmetry=Symmetry(), path=tmp_path),
              ObjectModel(name='can_2', model=CLOUD, symmetry=CAN, path=tmp_path),
              ObjectModel(name='bowl', model=CLOUD, symmetry=None, path=tmp_path)]
    write_library(tmp_path / 'new' / 'library', models)
    mug, can, bowl = load_library(tmp_path / 'new' / 'library')
    assert (mug.name, can.name, bowl.name) == ('mug', 'can_2', 'bowl')
    assert (mug.symmetry, can.symmetry, bowl.symmetry) == (Symmetry(), CAN, None)
    np.testing.assert_allclose(mug.model.vertices, tetrahedron.vertices, atol=1e-7)
    np.testing.assert_array_equal(mug.model.faces, tetrahedron.faces)
    np.testing.assert_array_equal(can.points, CLOUD)
    assert can.path == tmp_path / 'new' / 'library' / 'can_2.ply'


def test_the_documented_example_with_defaults(folder):
    (folder / 'objects.yaml').write_text(
        'objects:\n  - {name: mug, file: mug.ply}\n'
        '  - {name: can, file: mug.ply, unit: in, symmetry: [{axis: [0, 0, 1], order: '
        'continuous}, {axis: [1,0,0], order: 2, point: [0,0,0.06]}]}\n')
    mug, can = load_library(folder)
    assert mug.symmetry is None
    assert can.symmetry == CAN
    np.testing.assert_allclose(can.points, CLOUD * 0.0254, rtol=1e-6)


@pytest.mark.parametrize(('given', 'symmetry'), [
    ({'symmetry': 'auto'}, None), ({}, None), ({'symmetry': 'none'}, Symmetry()),
    ({'symmetry': []}, Symmetry()),
    ({'symmetry': [{'axis': [0, 0, 1], 'order': 'continuous'},
                   {'axis': [1, 0, 0], 'order': 2, 'point': [0, 0, 0.06]}]}, CAN)])
def test_a_symmetry_is_detected_unless_the_library_states_it(folder, given, symmetry):
    (model,) = load_library(write_objects(folder, {'name': 'mug', 'file': 'mug.ply', **given}))
    assert model.symmetry == symmetry


@pytest.mark.parametrize(('unit', 'metres'), [('m', 1.0), ('mm', 1e-3), ('cm', 0.01),
                                              ('in', 0.0254)])
def test_units(folder, unit, metres):
    write_cloud(folder / 'mug.ply', CLOUD / metres)
    (model,) = load_library(write_objects(folder, entry(unit=unit)))
    np.testing.assert_allclose(model.points, CLOUD, rtol=1e-5)


@pytest.mark.parametrize(('factor', 'unit', 'message'), [
    (1000, 'm', r'mug.*extent would be 99\..* m with unit .m.*is it in millimetres'),
    (1, 'mm', 'is its unit m or in.$'),
    (1e-6, 'm', 'is it the right file'),
])
def test_extents_outside_one_millimetre_to_ten_metres(folder, factor, unit, message):
    write_cloud(folder / 'mug.ply', CLOUD * factor)
    with pytest.raises(LibraryError, match=message):
        load_library(write_objects(folder, entry(unit=unit)))


@pytest.mark.parametrize(('change', 'message'), [
    ({'unit': 'metre'}, "unit 'metre' is not known; use m, cm, mm, in"),
    ({'unit': None}, 'unit None'),
    ({'unit': ['m']}, r"unit \['m'\]"),
    ({'name': None}, 'name None'),
    ({'name': 'my mug'}, "'my mug' must be letters"),
    ({'name': '/mug'}, "'/mug' must be letters"),
    ({'name': 7}, 'name 7'),
    ({'file': None}, 'file None'),
    ({'file': 3}, 'file 3'),
    ({'file': 'mugg.ply'}, "did you mean 'mug.ply'"),
    ({'file': '.'}, 'it is a folder'),
    ({'symetry': 'none'}, "unknown key 'symetry'; did you mean 'symmetry'"),
    ({'colour': 'red'}, "unknown key 'colour'; known keys: name"),
    ({'symmetry': 'round'}, r"symmetry 'round' must be auto \(detected\), none or a list"),
    ({'symmetry': {'axis': [0, 0, 1]}}, 'must be auto'),
    ({'symmetry': None}, 'symmetry None must be auto'),
    ({'symmetry': ['z']}, "symmetry axis 'z'"),
    ({'symmetry': [{'axis': [0, 0, 1]}]}, "has no 'order'"),
    ({'symmetry': [{'order': 2}]}, "has no 'axis'"),
    ({'symmetry': [{'axs': [0, 0, 1], 'order': 2}]}, "did you mean 'axis'"),
    ({'symmetry': [{'axis': [0, 0, 0], 'order': 2}]}, 'no direction'),
    ({'symmetry': [{'axis': [0, 0, 1], 'order': 'endless'}]}, "order 'endless'"),
])
def test_broken_entries_name_file_object_and_value(folder, change, message):
    with pytest.raises(LibraryError, match=message) as caught:
        load_library(write_objects(folder, entry(name='good'), entry(**change)))
    assert str(folder / 'objects.yaml') in str(caught.value)
    assert 'object 2' in str(caught.value)


@pytest.mark.parametrize(('text', 'message'), [
    ('', 'at least one object'),
    ('objects:\n', 'at least one object'),
    ('objects: []\n', 'at least one object'),
    ('objects: {name: mug}\n', 'at least one object'),
    ('- a\n', 'expected a mapping'),
    ('objects: [\n', 'not valid YAML'),
    ('\x00', 'not valid YAML'),
    ('object: []\n', "did you mean 'objects'"),
    ('objects: [mug]\n', "object 1: expected .* got 'mug'"),
])
def test_broken_yaml(tmp_path, text, message):
    (tmp_path / 'objects.yaml').write_text(text)
    with pytest.raises(LibraryError, match=message):
        load_library(tmp_path)


def test_missing_folder_file_and_binary_yaml(tmp_path):
    with pytest.raises(LibraryError, match='is not a folder'):
        load_library(tmp_path / 'gone')
    with pytest.raises(LibraryError, match=r'has no objects\.yaml; add objects with'):
        load_library(tmp_path)
    (tmp_path / 'objects.yaml').write_bytes(b'\xff\xfe\x00\x01')
    with pytest.raises(LibraryError, match=r'objects\.yaml'):
        load_library(tmp_path)


def test_names_given_twice(folder):
    with pytest.raises(LibraryError, match="name 'mug' is given twice"):
        load_library(write_objects(folder, entry(), entry()))


def test_broken_model_files_name_the_object(folder):
    (folder / 'mug.ply').write_bytes(b'ply\nformat ascii 1.0\n')
    with pytest.raises(LibraryError, match=r'object 1 \(mug\): .*mug\.ply is not a whole PLY'):
        load_library(write_objects(folder, entry()))
    holed = CLOUD.copy()
    holed[:3] = np.inf
    write_cloud(folder / 'mug.ply', holed)
    with pytest.raises(LibraryError, match='3 of its 100 points are not finite'):
        load_library(write_objects(folder, entry()))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(LibraryError, match='cannot make the folder'):
        write_library(tmp_path / 'file' / 'library', [])


def test_a_library_is_not_written_with_models_that_are_not_in_metres(tmp_path):
    mesh = boxes(((0, 0, 0), (100, 50, 30)))
    with pytest.raises(LibraryError, match=r"model 'box': its extent is 100 m.*unit='mm'"):
        write_library(tmp_path / 'library', [ObjectModel(name='box', model=mesh, symmetry=None,
                                                         path=None)])
    assert not (tmp_path / 'library').exists()
