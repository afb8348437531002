"""Write what is generated from the configurations: the node's YAML defaults, tables of parameters.

`make docs` runs this; with `--check` nothing is written, and the exit code is 1 where a file is
out of date.
"""

from collections.abc import Iterator
import dataclasses
from pathlib import Path
import sys

from pointpng_core.config import Config
from pointpng_core.training.config import TrainConfig
from pointpng_ros.parameters.parameter_specs import (
    default_yaml,
    parameter_table,
    pose_estimator_groups,
)

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = ROOT / 'docs' / 'parameters.md'
BEGIN, END = '<!-- parameters: written by `make docs` -->\n', '<!-- end of parameters -->\n'


def documents() -> dict[Path, str]:
    """Return the wanted content of every generated file."""
    node = pose_estimator_groups()
    return {ROOT / 'config' / 'pose_estimator.yaml': default_yaml(node),
            PARAMETERS: with_table(PARAMETERS, parameter_table(node)),
            ROOT / 'docs' / 'training.md': with_table(ROOT / 'docs' / 'training.md',
                                                      option_table(TrainConfig()))}


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


def with_table(path: Path, table: str) -> str:
    """Return the text of a file with the table between its marks."""
    before, rest = path.read_text(encoding='utf-8').split(BEGIN)
    return before + BEGIN + table + END + rest.split(END)[1]


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
