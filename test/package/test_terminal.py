"""Nothing from outside acts on a terminal: every way there escapes, and hostile names prove it."""

import ast
import io
from pathlib import Path

from helpers.bags import write_bag
from helpers.objects import whole
import pytest
import yaml

from pointpng_core.cli import main as cli
from pointpng_core.cli.output import say
from pointpng_core.io import write_cloud
from pointpng_ros import cli as ros_cli

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for name in ('pointpng_core', 'pointpng_ros') for path in
                 (ROOT / name).rglob('*.py'))
OUTPUT = ROOT / 'pointpng_core' / 'cli' / 'output.py'
LEVELS = {'debug', 'info', 'warning', 'error', 'fatal'}
PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.BoolOp, ast.BinOp)
HOSTILE = 'mug\x1b[31m\x1b]0;owned\x07\u202e\n[ERROR] forged [bold]'


def name_of(node):
    return getattr(node, 'attr', getattr(node, 'id', ''))


def called(node):
    return name_of(node.func) if isinstance(node, ast.Call) else ''


def unescaped(source, *, ros=True):
    """Lines of calls that show text which did not pass through the functions that escape it."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        word, first = called(node), node.args[0] if node.args else None
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ''
        bad = (
            (word == 'print' and not owner)
            or (word == 'write' and owner.endswith(('stdout', 'stderr')))
            or (word == 'print' and owner and not (called(first).endswith('_table')
                                                   or name_of(first) == 'table'))
            or (ros and word in LEVELS and 'logger' in owner
                and not isinstance(first, ast.Constant) and called(first) != 'printable')
            or (not ros and word in LEVELS and 'logger' in owner
                and any(not isinstance(each, ast.Constant) and called(each) != 'printable'
                        for each in node.args))
            or (word == 'ArgumentParser')
            or (word in ('add_row', 'add_task') and any(isinstance(each, PLAIN)
                                                        for each in node.args)))
        if bad:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize('source', [
    'print(name)', 'sys.stderr.write(name)', 'console.print(f"{name}")',
    'self.get_logger().info(f"{name}")', 'logger.warning(str(error))', 'table.add_row(name, "")',
    'bar.add_task(task.name)'])
def test_the_rules_find_what_is_not_escaped(source):
    assert unescaped(source) == [1]


@pytest.mark.parametrize('source', [
    'logger.warning("%s", path)', 'logger.info(text)', 'argparse.ArgumentParser(prog="a")'])
def test_the_rules_for_the_core_find_what_python_itself_would_print(source):
    """Its last handler prints what a program that uses the core in Python does not handle."""
    assert unescaped(source, ros=False) == [1]


def test_every_way_to_a_terminal_escapes():
    found = [f'{path.relative_to(ROOT)}:{line}' for path in SOURCES if path != OUTPUT
             for line in unescaped(path.read_text(), ros='pointpng_ros' in path.parts)]
    assert not found


def shown_by(capsys, *words):
    """What a command prints; fails where a character acts, or a name begins a line of its own."""
    code = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    text = out + err
    assert all(c.isprintable() or c == '\n' for c in text), repr(text)
    assert not [line for line in text.splitlines() if line.startswith('[ERROR]')], text
    return code, text


@pytest.fixture
def hostile_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))
    folder = tmp_path / HOSTILE
    folder.mkdir()
    write_cloud(folder / 'mug.ply', whole('mug', 300))
    return folder


def test_commands_with_hostile_file_names(hostile_folder, capsys):
    mesh = hostile_folder / 'mug.ply'
    library = hostile_folder / 'library'
    assert shown_by(capsys, 'objects', 'add', mesh, '--name', 'mug', '--library', library)[0] == 0
    assert shown_by(capsys, 'objects', 'list', '--library', library)[0] == 0
    code, text = shown_by(capsys, 'estimate', mesh, mesh)
    assert code == 0
    assert r'\x1b[31m' in text
    assert shown_by(capsys, 'estimate', hostile_folder / 'gone.ply', mesh)[0] == 2
    assert shown_by(capsys, 'frames', hostile_folder, '--objects', library)[0] == 2


def test_hostile_entries_of_a_library(hostile_folder, capsys):
    entries = [{'name': HOSTILE, 'file': 'mug.ply'}, {'name': 'mug', 'file': HOSTILE},
               {'name': 'mug', 'file': 'mug.ply', 'unit': HOSTILE},
               {'name': 'mug', 'file': 'mug.ply', HOSTILE: 1},
               {'name': 'mug', 'file': 'mug.ply', 'symmetry': HOSTILE}]
    (hostile_folder / 'objects.yaml').write_text(yaml.safe_dump({'objects': entries}))
    code, text = shown_by(capsys, 'objects', 'list', '--library', hostile_folder)
    assert code == 1
    assert text.count('error: ') >= len(entries)


def test_hostile_topics_of_a_bag(hostile_folder, capsys):
    bag, _ = write_bag(hostile_folder, 'mcap', count=2, topics=(f'/{HOSTILE}', '/other'))
    library = hostile_folder / 'library'
    shown_by(capsys, 'objects', 'add', hostile_folder / 'mug.ply', '--name', 'mug', '--library',
             library)
    code, text = shown_by(capsys, 'frames', bag, '--objects', library)
    assert code == 2
    assert r'\x1b[31m' in text                          # two topics: named, to choose from
    shown_by(capsys, 'frames', bag, '--objects', library, '--topic', f'/{HOSTILE}')
    shown_by(capsys, 'frames', bag, '--objects', library, '--out', hostile_folder / 'out')


@pytest.mark.parametrize('words', [
    ('run', HOSTILE), ('run', '--ros-args', '-p', HOSTILE), ('play', 'bag', f'--{HOSTILE}'),
    ('play', 'bag', '--ros-args', '-r', HOSTILE), ('sim', HOSTILE), ('demo', HOSTILE),
    ('sim', '--ros-args', '--params-file', HOSTILE), ('endurance', HOSTILE), ('demo', '--scene',
                                                                              HOSTILE)])
def test_hostile_arguments_of_nodes(words, capsys):
    rclpy = pytest.importorskip('rclpy')
    with pytest.raises(SystemExit) as caught:
        ros_cli.main(list(words))
    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert all(c.isprintable() or c == '\n' for c in out + err), repr(out + err)
    assert err.strip().splitlines()[-1].count('error: ') == 1
    assert not rclpy.ok()


def test_help_that_names_a_hostile_folder(monkeypatch, capsys):
    monkeypatch.setenv('POINTPNG_OBJECTS', HOSTILE.replace('\n', ''))
    with pytest.raises(SystemExit):
        cli.main(['objects', 'add', '--help'])
    out, _ = capsys.readouterr()
    assert r'\x1b' in out
    assert all(c.isprintable() or c == '\n' for c in out)


@pytest.mark.parametrize('words', [
    ('estimate', HOSTILE), ('objects', HOSTILE), (HOSTILE,), ('--version', HOSTILE),
    ('frames', 'x', '--objects', 'y', f'--{HOSTILE}'),
    ('estimate', 'a', 'b', '--sensor', HOSTILE)])
def test_hostile_arguments(words, capsys):
    try:
        shown_by(capsys, *words)
    except SystemExit:
        out, err = capsys.readouterr()
        assert all(c.isprintable() or c == '\n' for c in out + err), repr(out + err)


def test_a_terminal_that_knows_no_umlauts(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr('sys.stdout', io.TextIOWrapper(raw, encoding='ascii'))
    say('größe 3 µm\x1b')
    assert raw.getvalue() == rb'gr\xf6\xdfe 3 \xb5m\x1b' + b'\n'


def test_square_brackets_are_no_markup():
    rich = pytest.importorskip('rich.console')
    from rich.table import Table

    from pointpng_core.cli.output import markup, say_on
    console = rich.Console(record=True, width=60, force_terminal=True)
    say_on(console, '[red]mug[/red] [link=http://x]y')
    table = Table('name')
    table.add_row(markup('[red]bowl[/]'))
    console.print(table)
    text = console.export_text()
    assert '[red]mug[/red] [link=http://x]y' in text
    assert '[red]bowl[/]' in text
