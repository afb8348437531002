"""What travels to the machine: objects to train on, never of a test split, and a world."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pointpng_core.errors import ConfigError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.device.world import write_world
from pointpng_core.evaluation.speed.inference import BatchSize
from pointpng_core.training.data.loading import load_sources
from pointpng_core.training.data.objects import ObjectSet
from pointpng_core.training.data.source_config import SourceConfig

MOST_BYTES = 46 * 2 ** 20
"""Of the 64 MiB that travel; the rest is the source tree, and packages that are missing there."""
WORLD = 'world.npz'
STEPS = 32767


def pack(sources: Sequence[str], folder: Path, *, pool: int, size: BatchSize, seed: int = 0,
         report: Callable[[str], None] = lambda line: None) -> None:
    """Write the prepared objects of sources, `pool` points each, and a world, into a folder.

    Weights are kept in the names: 0.7_NAME.npz is drawn with weight 0.7. Raises ConfigError for a
    test split, or when all is larger than MOST_BYTES; FileError.
    """
    configs = [SourceConfig.from_value(source) for source in sources]
    for config in configs:
        if config.split != 'train':
            raise ConfigError(f'{config.path}: split = {config.split!r}: what is trained on must '
                              'not hold objects of a test split')
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob('*.npz')):
        raise ConfigError(f'{folder} holds packed objects already: remove them, or choose another '
                          'folder')
    for objects in load_sources(sources=configs, pool=pool, seed=seed, report=report):
        _write(folder / f'{objects.weight:g}_{objects.name.replace(":", "_")}.npz', objects)
    write_world(folder / WORLD, PoseEstimator(), size, seed=seed)
    total = sum(path.stat().st_size for path in folder.iterdir())
    report(f'{folder}: {total / 2 ** 20:.1f} MiB')
    if total > MOST_BYTES:
        raise ConfigError(f'{folder} holds {total / 2 ** 20:.0f} MiB, at most '
                          f'{MOST_BYTES / 2 ** 20:.0f} travel: name fewer sources, give them a '
                          f'limit=N, or lower the pool ({pool})')


def packed_sources(folder: Path) -> tuple[str, ...]:
    """Return the sources in a folder that `pack` wrote, as TrainConfig takes them."""
    files = sorted(path for path in folder.glob('*_*.npz') if path.name != WORLD)
    if not files:
        raise ConfigError(f'{folder} holds no packed objects: write them with --pack')
    return tuple(f'{path},weight={path.name.partition("_")[0]}' for path in files)


def _write(path: Path, objects: ObjectSet) -> None:
    # Normals that are not known are zero, which compresses to nothing.
    np.savez_compressed(path, points=np.round(STEPS * objects.points.numpy()).astype(np.int16),
                        normals=np.round(127 * objects.normals.numpy()).astype(np.int8))
