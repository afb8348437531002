"""The command `pointpng`: help, errors of one line, arguments that pass through."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pointpng_core.cli import estimate, evaluate, output
from pointpng_core.cli import main as cli
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io import write_cloud

CLOUD = np.random.default_rng(0).uniform(-0.05, 0.05, size=(200, 3)).astype(np.float32)
COMMANDS = ['estimate', 'evaluate', 'frames', 'objects', 'train']


def run(capsys, *words):
    try:
        code = cli.main(words)
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


def test_help_lists_every_command(capsys):
    for words in ([], ['--help']):
        code, out, err = run(capsys, *words)
        assert (code, err) == (0, '')
        assert all(f'\n    {command}' in out for command in COMMANDS)


@pytest.mark.parametrize('words', [
    ['estimate'], ['frames'], ['evaluate'], ['evaluate', 'pose'],
    *(['evaluate', kind] for kind in evaluate.KINDS)])
def test_every_command_has_help(capsys, words):
    code, out, err = run(capsys, *words, '--help')
    assert (code, err) == (0, '')
    assert f'usage: pointpng {" ".join(words)}' in out


def test_help_imports_neither_torch_nor_open3d_nor_ros():
    program = ('import sys; from pointpng_core.cli.main import main; main([]);'
               'sys.exit(bool({"torch", "open3d", "rclpy"} & set(sys.modules)))')
    assert subprocess.run([sys.executable, '-c', program], capture_output=True,
                          check=False).returncode == 0


@pytest.mark.parametrize(('words', 'message'), [
    (['bogus'], 'invalid choice'),
    (['estimate', 'a.ply'], 'OBSERVATION'),
    (['estimate', 'gone.ply', 'gone.ply'], 'cannot read gone.ply: No such file'),
    (['estimate', 'a.docx', 'b.ply'], "'.docx' is not read here"),
    (['estimate', 'a.ply', 'b.ply', '--unit-reference', 'furlong'], 'invalid choice'),
    (['estimate', 'a.ply', 'b.ply', '--json', '/gone/x.json'], 'its folder does not exist'),
    (['evaluate'], f'{{{",".join(evaluate.KINDS)}}}'),
    (['evaluate', 'pose'], '--pairs'),
    (['evaluate', 'pose', '--pairs', 'gone.npz'], 'cannot read gone.npz'),
    (['evaluate', 'pose', '--pairs', 'gone.npz', '--limit', '0'], 'above 0'),
    (['evaluate', 'scene', '--bag', 'gone', '--labels', 'gone.npz'], 'cannot read gone'),
    (['evaluate', 'equivariance'], '--data'),
    (['evaluate', 'equivariance', '--data', 'gone.npz'], 'no data source gone.npz'),
    (['evaluate', 'equivariance', '--data', 'x.npz', '--model', 'gone'], "model 'gone'"),
    (['evaluate', 'equivariance', '--data', 'x.npz', '--jitter', '-1'], 'from 0 on'),
    (['frames', 'x', '--objects', 'x', '--depth-scale', '-1'], "'-1' is not a number above 0"),
    (['frames', 'x', '--objects', 'x', '--depth-scale', '0'], '0 mm per unit'),
    (['estimate', 'a.ply', '--depth', 'a.png', '--frame', '-5'], "'-5' is not a whole number"),
    (['evaluate', 'equivariance', '--data', 'x.npz', '--seed', '-1'], "'-1' is not a whole"),
    (['evaluate', 'classification', '--data', 'x.npz', '--protocol', 'knn'], 'invalid choice'),
    (['evaluate', 'classification', '--data', 'x.npz', '--rotations', 'up'], 'rotations = up'),
    (['evaluate', 'classification', '--data', 'x.npz,split=all'], 'leave split out'),
    (['evaluate', 'ablation', '--data', 'x.npz', '--out', 'x', '--betas', 'a'], 'not a list'),
    (['evaluate', 'training', '--model-config', 'huge'], 'choose small or paper'),
])
def test_mistakes_are_answered_in_one_line_with_code_2(capsys, words, message):
    code, out, err = run(capsys, *words)
    assert code == 2
    assert message in err.splitlines()[-1]
    assert 'error: ' in err
    assert 'Traceback' not in err
    assert out == ''


def test_millimetre_files_are_refused_with_the_option_that_helps(tmp_path, capsys):
    write_cloud(tmp_path / 'mm.ply', CLOUD * 1000)
    code, _, err = run(capsys, 'estimate', str(tmp_path / 'mm.ply'), str(tmp_path / 'mm.ply'))
    assert code == 2
    assert 'is it in millimetres?' in err


@pytest.mark.parametrize(('missing', 'hint'), [
    ('rich.live', 'pointpng_ros[demo]'), ('torch', 'colcon')])
def test_missing_packages_are_named(capsys, monkeypatch, missing, hint):
    def fail(name):
        raise ModuleNotFoundError(f'No module named {missing!r}', name=missing)
    monkeypatch.setattr(cli.importlib, 'import_module', fail)
    code, _, err = run(capsys, 'train')
    assert code == 2
    assert f'No module named {missing!r}' in err
    assert hint in err


def test_modules_that_nobody_asks_for_are_a_bug_and_shown_as_one(monkeypatch):
    def fail(name):
        raise ModuleNotFoundError('No module named numpyy', name='numpyy')
    monkeypatch.setattr(cli.importlib, 'import_module', fail)
    with pytest.raises(ModuleNotFoundError):
        cli.main([])


def test_errors_of_this_package_only_lose_their_traceback(capsys, monkeypatch):
    def fail(error):
        monkeypatch.setattr(cli, '_dispatch', lambda *words: (_ for _ in ()).throw(error))
        return cli.main(['train'])
    assert fail(ConfigError('too many')) == 2
    assert capsys.readouterr().err == 'pointpng: error: too many\n'
    assert fail(KeyboardInterrupt()) == 130
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


RESULT = {
    'reference': 'mug.ply', 'observation': 'seen.pcd', 'T_observation_reference': np.eye(4),
    'translation_m': np.array([0.1, 0.2, 0.9]), 'quaternion_xyzw': np.array([0.0, 0.0, 0.6, 0.8]),
    'score': 0.91, 'residual_m': 0.0012, 'inlier_share': 0.955, 'confidence': 0.876,
    'ambiguous': True, 'symmetric': False, 'runners_up': [{}], 'reference_ms': 31.0,
    'stage_ms': {'search': 12.34}}


def test_a_pose_is_printed_readably():
    lines = estimate.readable(RESULT).splitlines()
    assert any('quaternion (xyzw)' in line and '0.600000   0.800000' in line for line in lines)
    assert any('1.200 mm' in line for line in lines)
    assert any('95.5 %' in line for line in lines)
    assert any('confidence' in line and '0.876' in line for line in lines)
    assert any('ambiguous' in line and 'yes' in line for line in lines)


def test_tables_have_a_row_for_each_method_and_a_dash_for_what_is_missing():
    text = evaluate.method_table({'pairs': 4, 'file': 'x.npz', 'methods': {
        'pointpng': {'rotation_mean_deg': 0.4123, 'recall_5deg': 1.0,
                     'stage_ms': {'search': 12.345, 'fine': 2.1}}, 'other': {}}})
    header, first, second, _, stages, times = text.splitlines()
    assert header.startswith('x (4 pairs)')
    assert first.split()[:2] == ['pointpng', '0.41']
    assert set(second.split()[1:]) == {'-'}
    assert len({len(line) for line in (header, first, second)}) == 1
    assert stages.split() == ['ms', 'by', 'stage', 'search', 'fine', 'sum']
    assert times.split() == ['pointpng', '12.35', '2.10', '14.45']
    assert 'stage.plane  1.500' in evaluate.value_table({'stage': {'plane': 1.5}})


def test_parts_of_a_pose_benchmark_have_tables_of_their_own():
    methods = {'pointpng': {'rotation_mean_deg': 0.4}}
    text = evaluate.method_table({'pairs': 4, 'file': 'x.npz', 'methods': methods, 'parts': {
        'seen': {'pairs': 3, 'methods': methods}, 'unseen': {'pairs': 1, 'methods': methods}}})
    titles = [block.splitlines()[0].split('  ')[0] for block in text.split('\n\n')]
    assert titles == ['x (4 pairs)', 'seen (3 pairs)', 'unseen (1 pairs)']


def test_json_is_valid_and_keeps_its_keys(tmp_path, capsys):
    content = {'a': float('nan'), 'b': np.float32(0.5), 'c': [np.inf, np.int64(3)], **RESULT}
    output.write_json(str(tmp_path / 'r.json'), content)
    back = json.loads((tmp_path / 'r.json').read_text())
    assert list(back) == list(content)
    assert (back['a'], back['b'], back['c']) == (None, 0.5, [None, 3])
    assert back['T_observation_reference'] == np.eye(4).tolist()
    output.write_json('-', {'x': 1})
    assert json.loads(capsys.readouterr().out) == {'x': 1}
    output.write_json(None, {'x': object()})
    with pytest.raises(FileError, match='cannot write'):
        output.write_json(str(tmp_path), {})
