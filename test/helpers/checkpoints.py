"""Small checkpoints to write, damage and read, and child processes that meet their end."""

import hashlib
import json
import os

import torch

from pointpng_core.io.checkpoints import read_checkpoint, write_checkpoint

TENSORS = {'encoder.weight': torch.arange(6.0).reshape(2, 3), 'encoder.bias': torch.zeros(0),
           'steps': torch.tensor(7)}
STATE = {'step': 3, 'best': float('inf'), 'loss': 0.1 + 0.2}
FILES = ('model.safetensors', 'config.json', 'trainer.safetensors', 'trainer.json')


def write(folder, *, step=3, **options):
    """A checkpoint with a trainer's state, whose weights and config both record its step."""
    options = {'tensors': {**TENSORS, 'step': torch.tensor(step)}, 'config': {'step': step},
               'trainer_tensors': {'exp_avg': torch.ones(2, dtype=torch.bfloat16)},
               'trainer_state': STATE, **options}
    write_checkpoint(folder, **options)
    return folder


def step_of(folder):
    """The step of a checkpoint, after the whole of it was checked."""
    checkpoint = read_checkpoint(folder)
    assert checkpoint.tensors['step'] == checkpoint.config['step']
    return checkpoint.config['step']


def rehash(folder):
    """Make SHA256SUMS fit again after an edit, as a tool of somebody else would."""
    lines = [f'{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n'
             for name in sorted(path.name for path in folder.iterdir()) if name != 'SHA256SUMS']
    (folder / 'SHA256SUMS').write_text(''.join(lines))


def edit_config(folder, **changes):
    path = folder / 'config.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    rehash(folder)


def snapshot(folder):
    """Every file below a folder with its content."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob('*')) if path.is_file()}


def fork(work):
    """Start `work` in a child process, which ends with it; returns its id."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return pid


def end_of(pid):
    """How a child ended: its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
