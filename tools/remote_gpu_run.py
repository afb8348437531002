"""Measure and train on a machine without a network: one archive goes there, one folder comes back.

    python tools/remote_gpu_run.py pack build/gpu.tar SOURCE ...              # here
    python tools/remote_gpu_run.py run build/gpu.tar --out DIR --minutes 9    # there, repeatedly

Sources are those of `pointpng train --data`. The second command goes on with the training of the
last one, in the folder `--work`.
"""

import argparse
from pathlib import Path
import shutil
import sys
import tarfile
from tempfile import TemporaryDirectory

import numpy as np

from pointpng_core.cli import main as cli
from pointpng_core.errors import ConfigError, PointPngError
from pointpng_core.evaluation.device.scene_data import make_scene_data, write_scene_data
from pointpng_core.evaluation.speed.inference import BatchSize
from pointpng_core.io.checkpoints import latest_checkpoint
from pointpng_core.training.config import load_recipe
from pointpng_core.training.data.loading import load_sources
from pointpng_core.training.data.objects import ObjectSet
from pointpng_core.training.data.source_config import SourceConfig

SCENE, SOURCES = 'scene.npz', 'sources.txt'


def pack(archive: Path, sources: list[str], *, pool: int, size: BatchSize, limit_mib: float,
         seed: int = 0) -> None:
    """Write the prepared training objects of sources and a benchmark scene into one archive.

    Raises ConfigError for a test split, or for an archive above the limit; FileError.
    """
    configs = [SourceConfig.from_value(source) for source in sources]
    for config in configs:
        if config.split != 'train':
            raise ConfigError(f'{config.path}: split = {config.split!r}: training data must not '
                              'hold objects of a test split')
    with TemporaryDirectory() as name:
        folder, lines = Path(name), []
        for index, objects in enumerate(load_sources(sources=configs, pool=pool, seed=seed)):
            _write_objects(folder / f'{index}.npz', objects)
            lines.append(f'{index}.npz,weight={objects.weight:g}')
        (folder / SOURCES).write_text('\n'.join([str(pool), *lines]))
        write_scene_data(folder / SCENE, make_scene_data(size, seed=seed))
        with tarfile.open(archive, 'w') as content:
            for file in sorted(folder.iterdir()):
                content.add(file, arcname=file.name)
    mib = archive.stat().st_size / 2 ** 20
    if mib > limit_mib:
        archive.unlink()
        raise ConfigError(f'{archive} would have {mib:.1f} MiB, more than {limit_mib:g}: name '
                          f'fewer sources, give them a limit=N, or lower --pool {pool}')
    print(f'{archive}: {mib:.1f} MiB')


def run(options: argparse.Namespace) -> int:
    """Evaluate the device, train for some minutes, and copy the results; return the exit code.

    Raises ConfigError where the copy would replace the run itself.
    """
    data, out = options.work / 'data', options.out
    config, trained = options.work / 'recipe.yaml', options.work / Path(options.recipe).stem
    results = out / trained.name
    if trained.resolve().is_relative_to(results.resolve()):
        raise ConfigError(f'--out {out}: the results would replace the run in {trained}: name '
                          'another folder')
    out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(options.archive) as content:
        content.extractall(data, filter='data')
    code = 0
    if not options.train_only:
        code = cli.main(['evaluate', 'device', options.device, '--scene', str(data / SCENE),
                         '--recipes', options.recipe, '--json', str(out / 'device.json'),
                         *options.evaluate])
    pool, *sources = (data / SOURCES).read_text().split()
    load_recipe(options.recipe).to_yaml(config)
    words = ['--config', config, '--out', trained, '--minutes', options.minutes, '--resume',
             '--device', options.device, '--set', f'pool={pool}',
             *(word for source in sources for word in ('--data', data / source)),
             *(word for value in options.set for word in ('--set', value))]
    code = cli.main(['train', *map(str, words)]) or code
    _copy_results(trained, results)
    return code


def _copy_results(run_dir: Path, out: Path) -> None:
    """Copy the files of a run and its newest checkpoint, from which it can be resumed."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for file in run_dir.glob('*.*'):
        if file.is_file():
            shutil.copy2(file, out)
    if newest := latest_checkpoint(run_dir):
        shutil.copytree(newest, out / newest.relative_to(run_dir))


def _write_objects(path: Path, objects: ObjectSet) -> None:
    # Unknown normals are zero, which compresses to nothing.
    np.savez_compressed(path, points=np.round(32767 * objects.points.numpy()).astype(np.int16),
                        normals=np.round(127 * objects.normals.numpy()).astype(np.int8))


def main(words: list[str] | None = None) -> int:
    """Pack or run; 1 where the device disagrees with the CPU, 2 for an error."""
    parser = argparse.ArgumentParser(prog='remote_gpu_run', allow_abbrev=False)
    kinds = parser.add_subparsers(dest='kind', required=True)
    packing = kinds.add_parser('pack', help='write the archive').add_argument
    packing('archive', type=Path)
    packing('sources', nargs='+', metavar='SOURCE')
    packing('--pool', type=int, default=1024, help='points of an object')
    packing('--observations', type=int, default=64)
    packing('--references', type=int, default=20)
    packing('--limit-mib', type=float, default=46.0)
    running = kinds.add_parser('run', help='evaluate the device, and train').add_argument
    running('archive', type=Path)
    running('--out', type=Path, required=True, help='results to bring back; not the folder --work')
    running('--work', type=Path, default=Path('build/remote'), help='data and runs')
    running('--recipe', default='steerable', help='name or YAML file of what is trained')
    running('--minutes', type=float, default=9.0, help='of training')
    running('--set', action='append', default=[], metavar='NAME=VALUE', help='of TrainConfig')
    running('--device', default='cuda')
    running('--train-only', action='store_true')
    running('--evaluate', nargs=argparse.REMAINDER, default=[],
            help='further options of `pointpng evaluate device`')
    options = parser.parse_args(words)
    try:
        if options.kind == 'run':
            return run(options)
        pack(options.archive, options.sources, pool=options.pool, limit_mib=options.limit_mib,
             size=BatchSize(observations=options.observations, references=options.references))
    except PointPngError as error:
        print(f'remote_gpu_run: error: {error}', file=sys.stderr)
        return cli.ERROR_CODE
    return 0


if __name__ == '__main__':
    sys.exit(main())
