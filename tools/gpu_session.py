"""A session on a borrowed CUDA machine: checks, measurements, training. See docs/gpu.md.

PYTHONPATH=. python tools/gpu_session.py --pack SOURCE ... --data .device/data      (here)
PYTHONPATH=. python tools/gpu_session.py --data .device/data --out $OUT             (there)
PYTHONPATH=. python tools/gpu_session.py --join paper --out FILES --runs runs       (here)
"""

import argparse
import json
import os
from pathlib import Path
import sys
from time import monotonic
from typing import Any

import yaml

from pointpng_core.cli.output import number, table
from pointpng_core.errors import ConfigError, PointPngError
from pointpng_core.io.files import to_jsonable

STEPS = ('check', 'measure', 'train')


def main(words: list[str] | None = None) -> int:
    """Run; 1 when a check fails, 2 for an error."""
    options = _parser().parse_args(words)
    try:
        if options.pack:
            return _pack(options)
        if options.join:
            from pointpng_core.evaluation.device.results import join
            join(options.out, options.join, options.runs / options.join)
            return 0
        return _session(options)
    except PointPngError as error:
        print(f'gpu_session: error: {error}', file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='gpu_session', allow_abbrev=False)
    add = parser.add_argument
    add('--data', type=Path, default=Path('.device/data'), help='packed objects and world')
    add('--out', type=Path, default=Path('.device/out'), help='what comes back')
    add('--runs', type=Path, default=Path('.device/runs'), help='runs; they stay on the machine')
    add('--pack', nargs='+', metavar='SOURCE', help='write --data from sources, and end')
    add('--join', metavar='NAME', help='unpack NAME.tar.* of --out into --runs/NAME, and end')
    add('--only', default=','.join(STEPS), help='steps, of check,measure,train')
    add('--recipes', default='steerable,paper', help='names or YAML files of what is trained')
    add('--models', default='', help='models that are checked and measured (default: all)')
    add('--minutes', type=float, default=9.0, help='after which training stops, of the whole call')
    add('--set', action='append', default=[], metavar='[RECIPE.]NAME=VALUE',
        help='of TrainConfig: --set paper.batch=512 --set compile=true')
    add('--pool', type=int, default=1024, help='points of a packed object')
    add('--observations', type=int, default=64)
    add('--references', type=int, default=20)
    add('--repeats', type=int, default=20)
    add('--calls', type=int, default=10_000, help='estimates after which memory is looked at')
    add('--train-steps', type=int, default=20, help='timed training steps')
    add('--device', default='cuda')
    return parser


def _pack(options: argparse.Namespace) -> int:
    from pointpng_core.evaluation.device.packing import pack
    from pointpng_core.evaluation.speed.inference import BatchSize
    size = BatchSize(observations=options.observations, references=options.references)
    pack(options.pack, options.data, pool=options.pool, size=size, report=_tell)
    return 0


def _session(options: argparse.Namespace) -> int:
    from pointpng_core.embedding.devices import torch_device
    began, device = monotonic(), torch_device(options.device)
    steps = options.only.split(',')
    if unknown := sorted(set(steps) - set(STEPS)):
        raise ConfigError(f'--only {unknown[0]}: choose of {", ".join(STEPS)}')
    options.out.mkdir(parents=True, exist_ok=True)
    code = 0
    if 'check' in steps:
        code = _check(options, device)
    if 'measure' in steps:
        _measure(options, device)
    if 'train' in steps:
        _train(options, device, began)
    return code


def _check(options: argparse.Namespace, device: Any) -> int:
    from pointpng_core.evaluation.device.agreement import checks
    from pointpng_core.evaluation.device.packing import WORLD
    found = checks(device, options.data / WORLD, _tell, _names(options.models))
    print(table(['stage', 'difference', 'allowed', ''], [
        [row.stage, number(row.difference, 6), number(row.allowed, 6),
         '' if row.holds else 'FAILS'] for row in found]))
    failed = [row.stage for row in found if not row.holds]
    _write(options.out / 'check.json', {'stages': [vars(row) for row in found],
                                        'failed': failed})
    return 1 if failed or not found else 0


def _measure(options: argparse.Namespace, device: Any) -> None:
    from pointpng_core.evaluation.device import measures
    from pointpng_core.evaluation.device.packing import WORLD
    world = options.data / WORLD
    result: dict[str, Any] = {'machine': measures.machine(device), 'training': {}}
    parts = {'inference': lambda: measures.inference(
        device, world, repeats=options.repeats, calls=options.calls, report=_tell,
        models=_names(options.models)), 'peers_ms': lambda: measures.baselines(world)}
    for part, run in parts.items():
        try:
            result[part] = run()
        except ImportError as error:
            _tell(f'{part}: skipped, the package {error.name} is not installed here')
        _write(options.out / 'measure.json', result)
    for name in _names(options.recipes):
        result['training'][Path(name).stem] = measures.training(
            _config(options, name, device), device, steps=options.train_steps, report=_tell)
        _write(options.out / 'measure.json', result)
    print(json.dumps(to_jsonable(result), indent=1))


def _train(options: argparse.Namespace, device: Any, began: float) -> None:
    """Share out what is left of the minutes among the recipes that are not complete."""
    from pointpng_core.cli.training_progress import make_reporter
    from pointpng_core.evaluation.device.results import bring_back
    from pointpng_core.evaluation.device.runs import train_for
    names = _names(options.recipes)
    for place, name in enumerate(names):
        left = options.minutes - (monotonic() - began) / 60.0
        run = options.runs / Path(name).stem
        with make_reporter() as reporter:
            complete = train_for(_config(options, name, device), run,
                                 max(0.0, left) / (len(names) - place), reporter)
        files = bring_back(run, options.out, run.name)
        _tell(f'{name}: {"complete" if complete else "to be gone on with"}; '
              + ' '.join(file.name for file in files))


def _config(options: argparse.Namespace, recipe: str, device: Any) -> Any:
    from pointpng_core.evaluation.device.runs import session_config
    name, changes = Path(recipe).stem, {'pool': options.pool}
    for text in options.set:
        key, _, value = text.partition('=')
        owner, _, own = key.rpartition('.')
        if owner in ('', name):
            changes[own] = yaml.safe_load(value)
    return session_config(recipe, options.data, device, **changes)


def _names(text: str) -> list[str]:
    return [name for name in text.split(',') if name]


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(to_jsonable(content), indent=1) + '\n', encoding='utf-8')


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == '__main__':
    os.environ.setdefault('POINTPNG_CACHE', '.device/cache')
    sys.exit(main())
