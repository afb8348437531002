"""`pointpng objects add` and `list`: what is checked, what is kept, what is said."""

from concurrent.futures import ThreadPoolExecutor

from helpers.objects import boxes
import numpy as np
import pytest
import yaml

from pointpng_core.cli import main as cli
from pointpng_core.errors import FileError, LibraryError
from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.geometry.symmetry_text import symmetry_in_words
from pointpng_core.io import TriangleMesh, write_mesh
from pointpng_core.io.object_library import load_library
from pointpng_core.reference.builder import default_builder
from pointpng_core.reference.library.adding import NewObject, add_object
from pointpng_core.reference.library.model_checks import edge_counts, notes_about
from pointpng_core.reference.library.yaml_edit import entries_in, with_entry

L_SHAPE = boxes(((0, 0, 0), (0.10, 0.03, 0.02)), ((0, 0, 0.02), (0.02, 0.03, 0.08)))
BOWL = {'name': 'bowl', 'file': 'bowl.ply', 'unit': 'm', 'symmetry': 'auto'}
BY_HAND = """# the cell's objects
objects:
  - {name: mug, file: mug.ply, unit: m}   # the good mug
  - name: can      # as delivered
    file: can.stl
    unit: mm
    symmetry:
      - {axis: [0, 0, 1], order: continuous}  # any angle
      - axis: [1, 0, 0]
        order: 2
        point: [0, 0, 0.06]   # metres

# to do: the bottle
"""


@pytest.fixture
def mesh_mm(tmp_path):
    path = tmp_path / 'from_cad.stl'
    write_mesh(path, TriangleMesh(vertices=L_SHAPE.vertices * 1000, faces=L_SHAPE.faces))
    return path


def add(library, file, name='part', **more):
    replace = more.pop('replace', False)
    return add_object(library, NewObject(file=file, name=name, **{'unit': 'mm', **more}),
                      replace=replace)


def test_an_added_object_is_what_the_node_loads(tmp_path, mesh_mm):
    added = add(tmp_path / 'new' / 'cell', mesh_mm)
    (model,) = load_library(tmp_path / 'new' / 'cell')
    assert (model.name, model.path, model.symmetry) == ('part', added.path, None)
    assert added.path.read_bytes() == mesh_mm.read_bytes()
    np.testing.assert_allclose(added.extent_m, np.ptp(L_SHAPE.vertices, axis=0), rtol=1e-5)
    np.testing.assert_allclose(np.ptp(model.points, axis=0), added.extent_m, rtol=1e-6)
    assert added.symmetry == Symmetry()


@pytest.mark.parametrize('row', [0, 1, None])
def test_editing_keeps_other_entries_and_comments(row):
    before = entries_in(BY_HAND, where='x')
    entry = BOWL if row is None else {**BOWL, 'name': before[row]['name']}
    text = with_entry(BY_HAND, entry, where='x')
    after = entries_in(text, where='x')
    expected = [*before, entry] if row is None else \
        [entry if index == row else other for index, other in enumerate(before)]
    assert after == expected
    lost = set(BY_HAND.splitlines()) - set(text.splitlines())
    assert len(lost) == {None: 0, 0: 1, 1: 8}[row]
    assert text.count('# the cell') == text.count('# to do: the bottle') == 1


@pytest.mark.parametrize('text', [
    '', '\n', '# only a comment\n', 'objects:\n', 'objects: []\n', '# kept\nobjects: []',
    'objects: [{name: a, file: b}]', 'objects:\n- name: a\n  file: b',
    'objects:\r\n- {name: a}\r\n',
    'objects:\n- {name: "a # b", file: "x: {y}"}  # strange\n', '{objects: [{name: a}]}',
    'objects:\n  - &one {name: a, file: b}\n  - {<<: *one, name: c}\n', 'objects:\n-\n  name: a\n',
    'objects:\n  - name: a\n    symmetry: []\n  # end', 'objects:\n- name: a\n  file: |\n    b\n',
    '---\nobjects:\n- name: a\n...\n', 'objects:\n- mug\n'])
def test_any_way_to_write_the_list_gains_one_entry(text):
    before = entries_in(text, where='x')
    after = with_entry(text, BOWL, where='x')
    assert yaml.safe_load(after)['objects'] == [*before, BOWL]
    assert after.count('#') >= text.count('#')


@pytest.mark.parametrize('text', ['objects: {a: b}\n', '- a\n', 'objects: [\n', 'text', '7'])
def test_what_is_no_library_is_refused(text):
    with pytest.raises(LibraryError, match=r'where\.yaml'):
        with_entry(text, BOWL, where='where.yaml')


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(('change', 'error', 'message'), [
    ({'name': 'part'}, LibraryError, "has an object 'part' already.*--replace"),
    ({'name': 'my part'}, LibraryError, 'letters, digits and underscores'),
    ({'unit': 'm'}, FileError, 'is it in millimetres'),
    ({'unit': 'furlong'}, FileError, "unit 'furlong' is not known"),
    ({'name': 'taken'}, LibraryError, r"taken\.stl is there already \(of 'other'\)"),
    ({'name': 'taken', 'replace': True}, LibraryError, r"is there already \(of 'other'\)"),
    ({'name': 'foreign'}, LibraryError, r'foreign\.stl is there already; choose'),
])
def test_a_refusal_changes_nothing(tmp_path, mesh_mm, change, error, message):
    library = tmp_path / 'cell'
    add(library, mesh_mm)
    add(library, mesh_mm, name='other')
    (library / 'other.stl').rename(library / 'taken.stl')
    text = (library / 'objects.yaml').read_text().replace('other.stl', 'taken.stl')
    (library / 'objects.yaml').write_text(text)
    (library / 'foreign.stl').write_bytes(b'of somebody else')
    before = snapshot(library)
    with pytest.raises(error, match=message):
        add(library, mesh_mm, **{'name': 'fresh', **change})
    assert snapshot(library) == before


def test_replacing_takes_the_new_file_and_keeps_the_order(tmp_path, mesh_mm):
    library = tmp_path / 'cell'
    add(library, mesh_mm, name='first')
    add(library, mesh_mm, name='second')
    write_mesh(tmp_path / 'better.ply', L_SHAPE)
    add(library, tmp_path / 'better.ply', name='first', unit='m', symmetry=Symmetry(),
        replace=True)
    first, second = load_library(library)
    assert (first.path.name, first.symmetry) == ('first.ply', Symmetry())
    assert second.name == 'second'


def test_a_file_of_the_library_is_entered_where_it_is(tmp_path, mesh_mm):
    inside = tmp_path / 'part.stl'
    mesh_mm.rename(inside)
    assert add(tmp_path, inside).path == inside
    assert sorted(path.name for path in tmp_path.iterdir()) == ['objects.yaml', 'part.stl']


def test_many_at_once_lose_no_entry(tmp_path, mesh_mm):
    names = [f'part_{index}' for index in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: add(tmp_path / 'cell', mesh_mm, name=name), names))
    assert sorted(model.name for model in load_library(tmp_path / 'cell')) == names


def test_edges_against_a_naive_count():
    mesh = TriangleMesh(vertices=L_SHAPE.vertices, faces=L_SHAPE.faces[2:])
    soup = TriangleMesh(vertices=mesh.vertices[mesh.faces].reshape(-1, 3),
                        faces=np.arange(3 * len(mesh.faces)).reshape(-1, 3))
    naive = {}
    for face in mesh.vertices[mesh.faces]:
        for a, b in ((0, 1), (1, 2), (2, 0)):
            key = frozenset((tuple(face[a]), tuple(face[b])))
            naive[key] = naive.get(key, 0) + 1
    expected = (sum(count == 1 for count in naive.values()),
                sum(count > 2 for count in naive.values()))
    assert expected[0] > 0
    for same in (mesh, soup):
        counts = edge_counts(same)
        assert (counts.open, counts.crowded) == expected


def test_notes_name_what_may_go_wrong():
    def notes(model, diameter_m):
        return notes_about(model, diameter_m=diameter_m)[1]
    cloud = np.random.default_rng(0).uniform(-1, 1, (500, 3)).astype(np.float32)
    assert any('segmenter.max_segment_size_m' in note for note in notes(cloud, 3))
    assert any('only 500 points' in note for note in notes(cloud, 3))
    small = notes(cloud * 0.005 + 1, 0.015)
    assert any('segmenter.min_segment_size_m' in note for note in small)
    assert any('1.73 m from its middle' in note for note in small)
    closed = boxes(((0, 0, 0), (0.1, 0.1, 0.1)))
    assert notes(closed, 0.17) == []
    open_box = TriangleMesh(vertices=closed.vertices, faces=closed.faces[1:])
    assert any('3 edges border one face' in note for note in notes(open_box, 0.17))
    inside_out = TriangleMesh(vertices=closed.vertices, faces=closed.faces[:, ::-1])
    assert 'point inward: they are turned' in notes(inside_out, 0.17)[0]


def test_an_object_is_as_large_as_its_main_parts_and_its_user_is_warned(tmp_path):
    body, bit = boxes(((0, 0, 0), (0.1, 0.08, 0.06))), boxes(((2, 0, 0), (2.001, 0.001, 0.001)))
    both = TriangleMesh(vertices=np.concatenate((body.vertices, bit.vertices)),
                        faces=np.concatenate((body.faces, bit.faces + len(body.vertices))))
    write_mesh(tmp_path / 'bits.ply', both)
    added = add_object(tmp_path / 'library', NewObject(
        file=tmp_path / 'bits.ply', name='bits', unit='m', symmetry=None))
    assert added.extent_m == pytest.approx((0.1, 0.08, 0.06), abs=1e-6)
    assert added.diameter_m < 0.15
    assert '1 detached parts' in added.notes[0]
    with pytest.warns(UserWarning, match="model 'bits': 1 detached parts"):
        default_builder().from_model(both, name='bits', symmetry=None)


def axis(order, direction=(0, 0, 1)):
    return Rotational(axis=direction, order=order)


@pytest.mark.parametrize(('elements', 'words'), [
    ((), 'none: all rotations differ'),
    ((axis(CONTINUOUS),), 'any rotation about z'),
    ((axis(CONTINUOUS), axis(2, (1, 0, 0))), 'any rotation about z, either end up'),
    ((axis(CONTINUOUS), axis(CONTINUOUS, (1, 0, 0))), 'sphere: any rotation'),
    ((axis(6),), 'rotation by 60 degrees about z (6 poses)'),
    ((axis(2, (0.6, 0, 0.8)),),
     'rotation by 180 degrees about (0.60, 0.00, 0.80) (2 poses)'),
    ((axis(2), axis(2, (1, 0, 0))), 'rotation by 180 degrees about z or x (4 poses)'),
    ((axis(4), axis(2, (1, 0, 0))),
     'rotation by 90 degrees about z and 180 degrees about x (8 poses)')])
def test_symmetries_in_words(elements, words):
    assert symmetry_in_words(Symmetry(elements=elements)) == words


def test_commands_report_what_was_added_and_what_is_broken(tmp_path, mesh_mm, capsys, monkeypatch):
    monkeypatch.setenv('POINTPNG_OBJECTS', str(tmp_path / 'cell'))
    assert cli.main(['objects', 'list']) == 2
    assert 'pointpng objects add' in capsys.readouterr().err
    assert cli.main(['objects', 'add', str(mesh_mm), '--name', 'part', '--unit', 'mm']) == 0
    said = capsys.readouterr().out
    assert '100 x 30 x 80 mm' in said
    assert 'none: all rotations differ' in said
    assert cli.main(['objects', 'list']) == 0
    assert 'part.stl' in capsys.readouterr().out
    (tmp_path / 'cell' / 'part.stl').write_bytes(b'')
    assert cli.main(['objects', 'list']) == 1
    assert 'cannot be used' in capsys.readouterr().out


def test_flat_objects_are_added_checked_and_shown_and_lines_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    corners = np.array([[0, 0, 0], [0.1, 0, 0], [0.1, 0.08, 0], [0, 0.08, 0]], np.float32)
    write_mesh('sheet.stl', TriangleMesh(vertices=corners, faces=np.array([[0, 1, 2], [0, 2, 3]])))
    np.savetxt('line.xyz', np.linspace((0, 0, 0), (0.1, 0.02, 0), 500))
    assert cli.main(['objects', 'add', 'sheet.stl', '--name', 'sheet']) == 0
    assert cli.main(['objects', 'check', '--views', '1']) == 0
    assert cli.main(['objects', 'show', 'sheet', '--out', 'sheet.png']) in (0, 2)
    assert cli.main(['objects', 'add', 'line.xyz', '--name', 'line']) == 2
    assert 'lie on a line' in capsys.readouterr().err
