"""Write what is generated from the configuration: the node's YAML defaults and the README's table.

`make docs` runs this; with `--check` nothing is written, and the exit code is 1 where a file is
out of date.
"""

from pathlib import Path
import sys

from pointpng_ros.parameter_specs import default_yaml, parameter_table, pose_estimator_groups

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = '<!-- parameters: written by `make docs` -->\n', '<!-- end of parameters -->\n'


def documents() -> dict[Path, str]:
    """Return the wanted content of every generated file."""
    groups = pose_estimator_groups()
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return {ROOT / 'config' / 'pose_estimator.yaml': default_yaml(groups),
            ROOT / 'README.md': before + BEGIN + parameter_table(groups) + END + after}


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
