"""Checkpoints: what is written comes back, what was changed is refused with the reason."""

import json
import os
import shutil
import subprocess

from helpers.checkpoints import (
    FILES,
    STATE,
    TENSORS,
    edit_config,
    rehash,
    snapshot,
    step_of,
    write,
)
import numpy as np
import pytest
import torch

import pointpng_core
from pointpng_core.errors import FileError
from pointpng_core.io.checkpoints import (
    FORMAT,
    clean_leftovers,
    latest_checkpoint,
    prune,
    read_checkpoint,
    read_trainer_state,
    step_folder,
    weights_sha256,
    write_checkpoint,
)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / 'run' / 'checkpoints' / 'step_00000003')


def run_with(tmp_path, *steps):
    for step in steps:
        write(step_folder(tmp_path, step), step=step)
    return tmp_path


def names(run_dir):
    return sorted(path.name for path in (run_dir / 'checkpoints').iterdir())


def test_everything_comes_back_as_it_was(folder):
    checkpoint = read_checkpoint(folder)
    tensors, state = read_trainer_state(folder)
    assert checkpoint.path == folder
    assert checkpoint.tensors.keys() == {*TENSORS, 'step'}
    for name, tensor in TENSORS.items():
        assert checkpoint.tensors[name].dtype == tensor.dtype
        assert torch.equal(checkpoint.tensors[name], tensor)
    assert checkpoint.config == {'format': FORMAT, 'kind': 'point_png', 'step': 3,
                                 'version': pointpng_core.__version__}
    assert torch.equal(tensors['exp_avg'], torch.ones(2, dtype=torch.bfloat16))
    assert state == STATE    # to the last bit, infinity among it
    assert checkpoint.sha256 == weights_sha256(checkpoint.tensors)


def test_tensors_may_be_views_shared_strided_and_part_of_a_graph(tmp_path):
    base = torch.arange(12.0).reshape(3, 4).requires_grad_()
    tensors = {'a': base, 'b': base, 'transposed': base.T, 'row': base[1], 'scaled': 2 * base}
    write_checkpoint(tmp_path / 'x', tensors=tensors, config={})
    back = read_checkpoint(tmp_path / 'x').tensors
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


def test_config_is_strict_json_whatever_the_metrics_are(tmp_path):
    config = {'metrics': {'pa': float('nan'), 'ae': np.float32(0.5)},
              'data': ({'path': tmp_path},)}
    write_checkpoint(tmp_path / 'x', tensors={}, config=config)

    def refuse(text):
        raise AssertionError(text)
    back = json.loads((tmp_path / 'x' / 'config.json').read_text(), parse_constant=refuse)
    assert back['metrics'] == {'pa': None, 'ae': 0.5}
    assert back['data'] == [{'path': str(tmp_path)}]


@pytest.mark.skipif(shutil.which('sha256sum') is None, reason='no sha256sum here')
def test_sha256sum_checks_every_file(folder):
    done = subprocess.run(['sha256sum', '-c', '--strict', 'SHA256SUMS'], cwd=folder, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f'{name}: OK' for name in FILES]
    (folder / 'config.json').write_text('{}')
    assert subprocess.run(['sha256sum', '-c', '--status', 'SHA256SUMS'], cwd=folder,
                          check=False).returncode == 1


def test_files_are_as_readable_as_the_umask_says(tmp_path):
    before = os.umask(0o022)
    try:
        folder = write(tmp_path / 'x')
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())


def test_without_a_trainers_state_a_model_is_used_but_not_resumed(tmp_path):
    write(tmp_path / 'x', trainer_tensors=None, trainer_state=None)
    assert sorted(path.name for path in (tmp_path / 'x').iterdir()) == [
        'SHA256SUMS', 'config.json', 'model.safetensors']
    assert step_of(tmp_path / 'x') == 3
    with pytest.raises(FileError, match=r'trainer\.safetensors.*not resumed'):
        read_trainer_state(tmp_path / 'x')


@pytest.mark.parametrize('read', [read_checkpoint, read_trainer_state])
@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('damage', ['flip', 'truncate', 'empty', 'grow'])
def test_a_changed_file_is_named(folder, name, damage, read):
    path = folder / name
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]
    path.write_bytes({'flip': flipped, 'truncate': content[:-1], 'empty': b'',
                      'grow': content + b'\0'}[damage])
    with pytest.raises(FileError, match=f'{name} is damaged: its SHA-256 is not the one in'):
        read(folder)


@pytest.mark.parametrize('name', [*FILES, 'SHA256SUMS'])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileError, match=rf'{name} is missing'):
        read_checkpoint(folder)


@pytest.mark.parametrize(('text', 'words'), [
    ('', r'does not name model\.safetensors'), ('hello\n', 'line 1 is not'),
    ('0' * 64 + '  ../config.json\n', 'line 1 is not'), (b'\xff\xfe', 'cannot read')])
def test_a_damaged_list_of_hashes_is_refused(folder, text, words):
    (folder / 'SHA256SUMS').write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FileError, match=words):
        read_checkpoint(folder)


@pytest.mark.parametrize('name', FILES)
def test_every_changed_hash_is_noticed(folder, name):
    lines = (folder / 'SHA256SUMS').read_text().splitlines()
    changed = [('f' * 64 if line.endswith(f'  {name}') else line[:64]) + line[64:]
               for line in lines]
    (folder / 'SHA256SUMS').write_text('\n'.join(changed) + '\n')
    with pytest.raises(FileError, match=rf'{name} is damaged.*is not the one in SHA'):
        read_checkpoint(folder)


@pytest.mark.parametrize(('changes', 'words'), [
    ({'format': 7}, r'written by a newer pointpng_ros \(format 7, this one reads up to 1\): upd'),
    ({'format': None}, 'format = None is no format'), ({'format': True}, 'no format'),
    ({'format': 0}, 'no format'), ({'format': '1'}, 'no format'),
    ({'kind': 'resnet'}, "kind = 'resnet' is not known here; known: point_png")])
@pytest.mark.parametrize('read', [read_checkpoint, read_trainer_state])
def test_what_another_program_wrote_is_refused(folder, changes, words, read):
    edit_config(folder, **changes)
    with pytest.raises(FileError, match=words):
        read(folder)


@pytest.mark.parametrize(('name', 'content', 'words'), [
    ('config.json', b'{"format": 1,', 'config.json is not valid JSON'),
    ('config.json', b'\xff\xfe\xfd', 'config.json is not valid JSON'),
    ('config.json', b'[1]', 'expected a mapping at the top, got list'),
    ('config.json', b'[' * 100_000, 'config.json is not valid JSON'),
    ('model.safetensors', b'PK\x03\x04 a pickle of somebody', 'is no safetensors file'),
    ('model.safetensors', b'', 'is no safetensors file')])
def test_content_that_is_no_checkpoints_is_refused_though_the_hashes_fit(folder, name, content,
                                                                         words):
    (folder / name).write_bytes(content)
    rehash(folder)
    with pytest.raises(FileError, match=words):
        read_checkpoint(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileError, match='there is no such folder'):
        read_checkpoint(tmp_path / 'gone')
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileError, match='there is no such folder'):
        read_checkpoint(tmp_path / 'file')


def test_a_checkpoint_gives_way_to_a_new_one_and_nothing_else_does(tmp_path, folder):
    write(folder, step=4)
    assert step_of(folder) == 4
    (folder / 'model.safetensors').write_bytes(b'damaged')
    write(folder, step=5)
    assert step_of(folder) == 5
    assert names(tmp_path / 'run') == [folder.name]

    (tmp_path / 'run' / 'photo.jpg').write_bytes(b'dear')
    before = snapshot(tmp_path)
    with pytest.raises(FileError, match='is not of a checkpoint; choose another name'):
        write(tmp_path / 'run')
    assert snapshot(tmp_path) == before


def test_the_newest_intact_checkpoint_is_found_and_the_damaged_ones_reported(tmp_path):
    assert latest_checkpoint(tmp_path / 'gone') is None
    # As text, step_100000000 comes before step_99999999.
    run_dir = run_with(tmp_path, 5, 20, 99_999_999, 100_000_000)
    (run_dir / 'checkpoints' / 'step_notes').mkdir()
    shutil.copytree(step_folder(run_dir, 20), run_dir / 'checkpoints' / '.part-step_200000000-x')
    assert latest_checkpoint(run_dir) == step_folder(run_dir, 100_000_000)
    (step_folder(run_dir, 100_000_000) / 'SHA256SUMS').unlink()
    (step_folder(run_dir, 99_999_999) / 'trainer.json').write_text('{}')
    messages = []
    assert latest_checkpoint(run_dir, messages.append) == step_folder(run_dir, 20)
    assert 'SHA256SUMS is missing' in messages[0]
    assert 'trainer.json is damaged' in messages[1]
    for step in (5, 20):
        shutil.rmtree(step_folder(run_dir, step))
    assert latest_checkpoint(run_dir) is None


def test_pruning_keeps_the_newest_that_are_intact(tmp_path):
    run_dir = run_with(tmp_path, 1, 2, 3, 4, 5)
    for step in (2, 5):
        (step_folder(run_dir, step) / 'model.safetensors').write_bytes(b'')
    prune(run_dir, 2)
    assert names(run_dir) == ['step_00000003', 'step_00000004', 'step_00000005']
    prune(run_dir, 0)    # the last good one is never given up
    assert names(run_dir) == ['step_00000004', 'step_00000005']
    (step_folder(run_dir, 4) / 'model.safetensors').write_bytes(b'')
    prune(run_dir, 1)
    assert names(run_dir) == ['step_00000004', 'step_00000005']
    prune(tmp_path / 'gone', 1)


def test_leftovers_are_cleaned_and_nothing_else(tmp_path):
    run_dir = run_with(tmp_path, 1)
    before = snapshot(run_dir)
    for leftover in (run_dir / '.part-model-1', run_dir / 'checkpoints' / '.part-step_00000002-2'):
        leftover.mkdir()
        (leftover / 'model.safetensors').write_bytes(b'half')
    clean_leftovers(run_dir)
    assert snapshot(run_dir) == before
    assert names(run_dir) == ['step_00000001']
    clean_leftovers(tmp_path / 'gone')
