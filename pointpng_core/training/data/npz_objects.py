"""Objects in .npz archives: clouds in one array, or meshes as arrays of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.io.array_files import array_names, read_arrays
from pointpng_core.training.data.objects import (
    MAX_POINTS,
    UNKNOWN,
    Progress,
    RawObjects,
)
from pointpng_core.training.data.source_config import SourceConfig

_VERTICES = '/vertices'
_LISTED = 20
_USED = ('points', 'normals', 'label', 'split', 'name', 'class_names', 'n_unique')
Arrays = Mapping[str, NDArray[Any]]


def read_npz_objects(source: SourceConfig, *, seed: int, progress: Progress) -> RawObjects:
    """Read an archive; raises FileError if it is damaged or has another layout.

    Clouds: `points` (K, N, 3), optionally with `normals` (K, N, 3), `label` (K,), `split` (K,)
    (0 = train, 1 = test), `name` (K,), `class_names` (C,) and `n_unique` (K,). Meshes:
    `NAME/vertices`, `NAME/faces`.
    """
    path = Path(source.path)
    names = array_names(path)
    meshes = [key[:-len(_VERTICES)] for key in names if key.endswith(_VERTICES)]
    if meshes:
        return _meshes(source, read_arrays(path), meshes, seed)
    content = read_arrays(path, _USED)
    if 'points' not in content:
        found = ', '.join(names[:_LISTED]) or 'nothing'
        raise FileError(f'{path}: expected `points` (K, N, 3) or meshes as `NAME/vertices` and '
                        f'`NAME/faces`, found {found}')
    return _clouds(source, content)


def _clouds(source: SourceConfig, content: Arrays) -> RawObjects:
    points = content['points']
    if points.ndim != 3 or points.shape[2] != 3 or points.dtype.kind not in 'fiu':
        raise FileError(f'{source.path}: points must be numbers of shape (K, N, 3), got '
                        f'{points.shape} of {points.dtype}')
    _check_columns(source.path, content, len(points))
    rows = source.choose(len(points), _test_mask(source.path, content))
    few = 0
    if 'n_unique' in content:
        enough = content['n_unique'][rows] >= source.least_unique
        few, rows = int((~enough).sum()), rows[enough]
    labels = content['label'] if 'label' in content else np.full(len(points), UNKNOWN)
    names = content['name'] if 'name' in content else [f'{i:06d}' for i in range(len(points))]
    normals = content.get('normals')

    def read(index: int) -> NDArray[np.generic]:
        row = rows[index]
        return points[row] if normals is None else np.hstack((points[row], normals[row]))
    return RawObjects(read=read, labels=labels[rows].astype(np.int64),
                      names=tuple(str(names[row]) for row in rows),
                      class_names=tuple(map(str, content.get('class_names', ()))),
                      facts={'few_unique': few})


def _check_columns(path: str, content: Arrays, count: int) -> None:
    if 'normals' in content and content['normals'].shape != content['points'].shape:
        raise FileError(f'{path}: normals have shape {content["normals"].shape}, points '
                        f'{content["points"].shape}')
    for key in ('label', 'split', 'name', 'n_unique'):
        if key in content and content[key].shape != (count,):
            raise FileError(f'{path}: {key} has shape {content[key].shape}, expected ({count},) '
                            'as there are points')
        if key in content and key != 'name' and content[key].dtype.kind not in 'iu':
            raise FileError(f'{path}: {key} must be integers, got {content[key].dtype}')
    labels, names = content.get('label'), content.get('class_names')
    if labels is not None and names is not None and labels.max(initial=0) >= len(names):
        raise FileError(f'{path}: label {labels.max()} has no name among {len(names)} class_names')


def _test_mask(path: str, content: Arrays) -> NDArray[np.bool_] | None:
    split = content.get('split')
    if split is None:
        return None
    unknown = split[(split != 0) & (split != 1)]
    if len(unknown):
        raise FileError(f'{path}: split {unknown[0]} is not known; 0 is train, 1 is test')
    return np.asarray(split == 1)


def _meshes(source: SourceConfig, content: Arrays, names: list[str], seed: int) -> RawObjects:
    rows = source.choose(len(names), None)

    def read(index: int) -> NDArray[np.float32]:
        name = names[rows[index]]
        if f'{name}/faces' not in content:
            raise FileError(f'{source.path}: {name}/vertices has no {name}/faces')
        mesh = TriangleMesh(vertices=content[f'{name}/vertices'], faces=content[f'{name}/faces'])
        return np.hstack(sample_surface(mesh, MAX_POINTS, seed=seed))
    return RawObjects(read=read, labels=np.full(len(rows), UNKNOWN), names=tuple(names))
