"""Write what is generated: the node's YAML defaults, tables of parameters, the picking example.

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
PARAMETERS, TRAINING, INTEGRATE = (ROOT / 'docs' / f'{name}.md'
                                   for name in ('parameters', 'training', 'integrate'))
EXAMPLE = ROOT / 'pointpng_ros' / 'examples' / 'pick_and_place.py'


def documents() -> dict[Path, str]:
    """Return the wanted content of every generated file."""
    node = pose_estimator_groups()
    example = f'```python\n{EXAMPLE.read_text(encoding="utf-8")}```\n'
    return {ROOT / 'config' / 'pose_estimator.yaml': default_yaml(node),
            PARAMETERS: with_block(PARAMETERS, 'parameters', parameter_table(node)),
            TRAINING: with_block(TRAINING, 'parameters', option_table(TrainConfig())),
            INTEGRATE: with_block(INTEGRATE, 'example', example)}


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
