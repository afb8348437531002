"""One of several processes of a test.

    python -m helpers.distributed_worker gradients|train|stop OUT ...

RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT are set as torchrun sets them.
"""

from contextlib import suppress
import os
from pathlib import Path
import sys

import torch

from helpers.training import tiny_config
from pointpng_core.embedding.losses import point_png
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.geometry.so3 import random_rotations
from pointpng_core.training import trainer as recipe
from pointpng_core.training.distributed import joined
from pointpng_core.training.objectives import PointPngTask
from pointpng_core.training.signals import TimeUp

BATCH = 8


def gradients(out):
    """Save the gradients of a fixed batch, of which every process holds its part."""
    generator = torch.Generator().manual_seed(0)
    clouds = 0.2 * torch.randn(BATCH, 2, 32, 3, generator=generator)
    R = random_rotations((BATCH, 2), generator=generator)
    others = random_rotations((BATCH, 2, 4), generator=generator)
    with joined('cpu') as processes:
        save_gradients(out, processes, clouds, R, others)


def save_gradients(out, processes, clouds, R, others):
    """Do the part of one process; what it wrapped is gone before the group is."""
    part = slice(processes.rank * BATCH // processes.count,
                 (processes.rank + 1) * BATCH // processes.count)
    # The pseudo-negatives of one process are those of its part of the whole batch.
    point_png.random_rotations = lambda shape, generator, device: others[part]
    torch.manual_seed(1)
    model = PointPng(tiny_config('none', negatives=4).model).train()
    task = processes.wrap(PointPngTask(model, tiny_config('none', negatives=4)))
    parts = task((clouds[part], R[part]), torch.Generator())
    parts['loss'].backward()
    if processes.first:
        torch.save({**{name: p.grad for name, p in model.named_parameters()
                       if p.grad is not None},
                    **{f'buffer {name}': b for name, b in model.named_buffers()}}, out)


def train(out, source):
    """Train a few steps together."""
    recipe.train(tiny_config(source), Path(out))


def stop(out, source):
    """Train until a limit that the first process alone reaches: all stop after the same step."""
    minutes = 0.0 if os.environ['RANK'] == '0' else 60.0
    with suppress(TimeUp):
        recipe.train(tiny_config(source, log_every=2), Path(out), minutes=minutes)


if __name__ == '__main__':
    torch.set_num_threads(1)
    {'gradients': gradients, 'train': train, 'stop': stop}[sys.argv[1]](*sys.argv[2:])
