"""How much a file says it holds, so that a file cut short is noticed and not used in part."""

from pathlib import Path
import re
import struct

from pointpng_core.errors import FileError

_HEADER_BYTES = 65536
_PATTERNS = {'.ply': rb'element\s+vertex\s+(\d+)', '.pcd': rb'^POINTS\s+(\d+)'}
_STL_HEAD, _STL_TRIANGLE = 84, 50


def check_declared_count(path: Path, found: int) -> None:
    """Raise FileError unless a ply or pcd file yielded as many points as its header declares."""
    pattern = _PATTERNS.get(path.suffix.lower())
    if pattern is None:
        return
    match = re.search(pattern, _head(path), flags=re.MULTILINE)
    if match is None:
        raise FileError(f'{path} has no valid {path.suffix[1:]} header')
    declared = int(match.group(1))
    if declared != found:
        raise FileError(f'{path} declares {declared} points but {found} could be read: '
                        f'was it cut short?')


def check_stl_size(path: Path) -> None:
    """Raise FileError when a binary STL file is shorter than the triangles it declares."""
    head = _head(path)
    if head.lstrip().startswith(b'solid') and b'facet' in head:
        return
    size = path.stat().st_size
    if size < _STL_HEAD:
        raise FileError(f'{path} is too short for an STL file ({size} bytes)')
    (declared,) = struct.unpack_from('<I', head, _STL_HEAD - 4)
    if size < _STL_HEAD + declared * _STL_TRIANGLE:
        raise FileError(f'{path} declares {declared} triangles but its {size} bytes hold '
                        f'{(size - _STL_HEAD) // _STL_TRIANGLE}: was it cut short?')


def _head(path: Path) -> bytes:
    with path.open('rb') as stream:
        return stream.read(_HEADER_BYTES)
