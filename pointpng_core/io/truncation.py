"""How much a file says it holds: Open3D fills what is missing from a short file with zeros."""

from pathlib import Path
import re

from pointpng_core.errors import FileError


def check_pcd(path: Path, found: int) -> None:
    """Raise FileError unless a pcd file holds as many points as its header declares."""
    content = path.read_bytes()
    declared = re.search(rb'^POINTS\s+(\d+)', content, flags=re.MULTILINE)
    data = re.search(rb'^DATA\s+(\w+)\s*?\n', content, flags=re.MULTILINE)
    if declared is None or data is None:
        raise FileError(f'{path} has no valid PCD header (POINTS, DATA)')
    if data.group(1) == b'ascii':
        widths = [len(line.split()) for line in content[data.end():].splitlines() if line.strip()]
        found = sum(1 for width in widths if width == widths[0])
    _compare(path, 'points', int(declared.group(1)), found)


def check_off(path: Path, vertices: int, faces: int) -> None:
    """Raise FileError when fewer vertices or faces could be read than an off file declares."""
    text = re.sub(rb'#[^\n]*', b'', path.read_bytes())
    header = re.match(rb'\s*[A-Za-z]*OFF\s*(\d+)\s+(\d+)', text)
    if header is None:
        raise FileError(f'{path} has no valid OFF header')
    _compare(path, 'vertices', int(header.group(1)), vertices)
    _compare(path, 'faces', int(header.group(2)), faces)


def _compare(path: Path, what: str, declared: int, found: int) -> None:
    if found < declared:
        raise FileError(f'{path} declares {declared} {what}, but only {found} could be read: '
                        f'was it cut short?')
