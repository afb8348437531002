"""A reader of Wavefront OBJ that keeps polygons: Open3D's leaves out all that are no triangles.

Format: http://paulbourke.net/dataformats/obj/ (vertices and faces; materials, normals, texture
coordinates and lines do not change the surface and are not read).
"""

from pathlib import Path

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io.polygons import split_polygons


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) float64 and triangles (F, 3) int64 of an obj file.

    Raises FileError naming the line that cannot be read. A file cut short between two lines
    cannot be told from a whole one: the format declares no sizes.
    """
    try:
        lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    vertices: list[list[float]] = []
    polygons: list[list[int]] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        try:
            if words[:1] == ['v']:
                vertices.append([float(word) for word in words[1:4]])
            elif words[:1] == ['f']:
                polygons.append([_index(word, len(vertices)) for word in words[1:]])
        except ValueError as error:
            raise FileError(f'{path}, line {number}: {error}') from error
        if words[:1] in (['v'], ['f']) and len(words) < 4:
            raise FileError(f'{path}, line {number}: too few numbers in {line!r}')
    return np.array(vertices).reshape(-1, 3), split_polygons(polygons)


def _index(word: str, vertices: int) -> int:
    """Return the 0-based vertex of `7`, `7/1/2` or `-1` (the vertex read last)."""
    index = int(word.split('/', maxsplit=1)[0])
    return index - 1 if index > 0 else vertices + index if index < 0 else -1
