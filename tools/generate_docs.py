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
FRAMES = {'clutter': {'1': '1, spaced on a table', '2': '2, dropped close together',
                      '3': '3, bin of 10 to 15 kinds', '4': '4, bin of one kind',
                      '5': '5, shelf, ledge, table edge-on'},
          'ycb': {'1': '1, real, RealSense', '2': '2, real, YCB-Video', '3': '3, real, DexYCB',
                  '4': '4, real, no truth'}}
"""Scenes of the datasets of whole frames."""
DETECTORS = {'pointpng': '**pointpng**',
             'open3d_fpfh_ransac_icp': LABELS['open3d_fpfh_ransac_icp'],
             'opencv_ppf_.05': 'PPF, step .05', 'opencv_ppf_.1': 'PPF, step .1'}
EXAMPLE = ROOT / 'pointpng_ros' / 'examples' / 'pick_and_place.py'


def documents() -> dict[Path, str]:
    """Return the wanted content of every generated file."""
    node = pose_estimator_groups()
    example = f'```python\n{EXAMPLE.read_text(encoding="utf-8")}```\n'
    return {ROOT / 'config' / 'pose_estimator.yaml': default_yaml(node),
            PARAMETERS: with_block(PARAMETERS, 'parameters', parameter_table(node)),
            TRAINING: with_block(TRAINING, 'parameters', option_table(TrainConfig())),
            INTEGRATE: with_block(INTEGRATE, 'example', example),
            BENCHMARKS: benchmarks_page()}


def benchmarks_page() -> str:
    """Return the page of benchmarks with the tables of docs/results."""
    text = BENCHMARKS.read_text(encoding='utf-8')
    for name, content in (('poses', pose_table()), ('frames', frame_table()),
                          ('lost', lost_table()), ('detectors', detector_table())):
        text = replaced(text, name, content)
    return text


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


def frame_results() -> dict[str, dict[str, Any]]:
    """Return the results of `evaluate bop` by dataset."""
    return {name: json.loads((RESULTS / f'bop_{name}.json').read_text(encoding='utf-8'))
            for name in FRAMES}


def frame_table() -> str:
    """Return the table of whole frames, a row for each scene."""
    lines = ['| dataset | scene | frames | objects | recall | precision | false | near '
             '| duplicate | AR | ms median |', '|---|---' + '|---:' * 9 + '|']
    for name, result in frame_results().items():
        rows = [*((FRAMES[name].get(scene, scene), values)
                  for scene, values in result['scenes'].items()), ('all', result)]
        lines += [f'| {name if row == 0 else ""} | {title} | {values["frames"]} '
                  f'| {values["objects"]} | {_share(values["recall"])} '
                  f'| {_share(values["precision"])} | {values["false"]} '
                  f'| {values["verdicts"]["near"]} | {values["verdicts"]["duplicate"]} '
                  f'| {_share(values["ar"])} | {values["ms_median"]:.0f} |'
                  for row, (title, values) in enumerate(rows)]
    return '\n'.join(lines) + '\n'


def lost_table() -> str:
    """Return how many targets of each dataset were lost, by the reason."""
    results = frame_results()
    reasons = list(next(iter(results.values()))['lost'])
    lines = [f'| dataset | found | {" | ".join(f"`{reason}`" for reason in reasons)} |',
             '|---|---:' + '|---:' * len(reasons) + '|']
    for name, result in results.items():
        found = result['objects'] - sum(result['lost'].values())
        counts = ' | '.join(str(result['lost'][reason]) for reason in reasons)
        lines.append(f'| {name} | {found} of {result["objects"]} | {counts} |')
    return '\n'.join(lines) + '\n'


def detector_table() -> str:
    """Return the table of all detectors on masks and on whole frames, where they were run."""
    lines = ['| dataset | method | masks: recall | ms | whole frames: recall | false | ms |',
             '|---|---|---:|---:|---:|---:|---:|']
    for name, result in frame_results().items():
        if 'baselines' not in result:
            continue
        runs = result['baselines']
        title = f'{name}, {runs["objects"]} objects in {runs["frames"]} frames'
        for method, label in DETECTORS.items():
            masks, frames = runs['masks'][method], runs['whole_frames'][method]
            lines.append(f'| {title} | {label} | {_share(masks["recall"])} '
                         f'| {masks["ms_median"]:.0f} | {_share(frames["recall"])} '
                         f'| {frames["false"]} | {frames["ms_median"]:.0f} |')
            title = ''
    return '\n'.join(lines) + '\n'


def _share(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def with_block(path: Path, name: str, content: str) -> str:
    """Return the text of a file with the content between the marks of a name."""
    return replaced(path.read_text(encoding='utf-8'), name, content)


def replaced(text: str, name: str, content: str) -> str:
    """Return a text with the content between the marks of a name."""
    begin, end = f'<!-- {name}: written by `make docs` -->\n', f'<!-- end of {name} -->\n'
    before, rest = text.split(begin)
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
