"""Write what is generated: the node's YAML, tables of parameters and results, the example.

`make docs` runs this; with `--check` nothing is written, and the exit code is 1 where a file is
out of date.
"""

from collections.abc import Iterator
import dataclasses
import json
from pathlib import Path
import sys
from typing import Any

from pointpng_core.config import Config
from pointpng_core.evaluation.pose.curves_report import LABELS
from pointpng_core.training.config import TrainConfig
from pointpng_ros.parameters.parameter_specs import (
    default_yaml,
    parameter_table,
    pose_estimator_groups,
)

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS, TRAINING, INTEGRATE, BENCHMARKS = (
    ROOT / 'docs' / f'{name}.md'
    for name in ('parameters', 'training', 'integrate', 'benchmarks'))
RESULTS = ROOT / 'docs' / 'results'
PAIRS = {'airplane_epn': 'the same points, rotated',
         'airplane_resampled': 'other samples of one surface, noise',
         'modelnet10_resampled': 'disjoint halves, many symmetric',
         'ycb_view': 'model to one noisy depth view'}
METHODS = {'pointpng': '**pointpng**', 'bidirectional': 'bidirectional',
           'embedding': 'its embedding alone, no ICP',
           'tracking': 'its tracking, from 8° and 4 % off',
           **{name: LABELS[name]
              for name in ('open3d_fpfh_ransac_icp', 'open3d_fgr_icp', 'icp_48_starts')}}
EXAMPLE = ROOT / 'pointpng_ros' / 'examples' / 'pick_and_place.py'


def documents() -> dict[Path, str]:
    """Return the wanted content of every generated file."""
    node = pose_estimator_groups()
    example = f'```python\n{EXAMPLE.read_text(encoding="utf-8")}```\n'
    return {ROOT / 'config' / 'pose_estimator.yaml': default_yaml(node),
            PARAMETERS: with_block(PARAMETERS, 'parameters', parameter_table(node)),
            TRAINING: with_block(TRAINING, 'parameters', option_table(TrainConfig())),
            INTEGRATE: with_block(INTEGRATE, 'example', example),
            BENCHMARKS: with_block(BENCHMARKS, 'poses', pose_table())}


def option_table(config: Config) -> str:
    """Return the options of a configuration, nested ones with their prefix, as a table."""
    rows = ['| option | default | unit | meaning |', '|---|---|---|---|', *_rows(config, '')]
    return '\n'.join(rows) + '\n'


def _rows(config: Config, prefix: str) -> Iterator[str]:
    for field in dataclasses.fields(config):
        value, about = getattr(config, field.name), field.metadata
        if isinstance(value, Config):
            yield from _rows(value, f'{prefix}{field.name}.')
            continue
        choices = f' ({", ".join(about["choices"])})' if about['choices'] else ''
        shown = '' if value in ('', ()) else f'`{value}`'
        yield f'| `{prefix}{field.name}` | {shown} | {about["unit"]} | {about["help"]}{choices} |'


def pose_table() -> str:
    """Return the table of all methods on all pair files, from the JSON files of `make bench`."""
    lines = ['| pairs | method | mean / median / max deg | < 5 deg | ADD-S < 2 % '
             '| as good as truth | ms median / p95 | reference ms |', '|---' * 8 + '|']
    for pairs, about in PAIRS.items():
        result = json.loads((RESULTS / f'{pairs}.json').read_text(encoding='utf-8'))
        title = f'{pairs}: {about} ({result["pairs"]})'
        for method, name in METHODS.items():
            if method in result['methods']:
                lines.append(f'| {title} | {name} | {_pose_cells(result["methods"][method])} |')
                title = ''
    return '\n'.join(lines) + '\n'


def _pose_cells(values: dict[str, Any]) -> str:
    angles = ' / '.join(f'{values[f"rotation_{name}_deg"]:.{digits}f}'
                        for name, digits in (('mean', 2), ('median', 2), ('max', 1)))
    shares = ' | '.join(f'{values[name]:.2f}'
                        for name in ('recall_5deg', 'adds_2', 'as_good_as_truth'))
    return (f'{angles} | {shares} | {values["ms_median"]:.1f} / {values["ms_p95"]:.1f} '
            f'| {values["reference_ms"]:.0f}')


def with_block(path: Path, name: str, content: str) -> str:
    """Return the text of a file with the content between the marks of a name."""
    begin, end = f'<!-- {name}: written by `make docs` -->\n', f'<!-- end of {name} -->\n'
    before, rest = path.read_text(encoding='utf-8').split(begin)
    return before + begin + content + end + rest.split(end)[1]


def main(arguments: list[str]) -> int:
    """Write or check the files; returns the exit code."""
    stale = [path for path, text in documents().items()
             if not path.exists() or path.read_text(encoding='utf-8') != text]
    if '--check' in arguments:
        for path in stale:
            print(f'{path.relative_to(ROOT)} is out of date: run `make docs`', file=sys.stderr)
        return 1 if stale else 0
    for path, text in documents().items():
        path.write_text(text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
