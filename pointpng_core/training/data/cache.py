"""Disk cache of prepared objects, keyed by a hash of the source's files and all options."""

from collections.abc import Callable
import hashlib
import json
import logging
import os
from pathlib import Path

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io.array_files import read_arrays
from pointpng_core.io.files import atomic_write, file_sha256
from pointpng_core.training.data.objects import Prepared

CACHE_VARIABLE = 'POINTPNG_CACHE'
"""Environment variable that replaces the folder ~/.cache/pointpng."""
MAX_HASHED_FILES = 16
"""The provenance of a larger folder is the hash of its listing (names and sizes)."""
logger = logging.getLogger(__name__)

FORMAT = 2
"""To be increased when the layout, or the reading and normalisation of objects, changes."""
_DAMAGED_FILE = (FileError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def cache_folder() -> Path:
    """Return the folder in which commands cache prepared objects."""
    return Path(os.environ.get(CACHE_VARIABLE, '~/.cache/pointpng')).expanduser() / 'data'


def cached(folder: Path | None, parts: tuple[object, ...], build: Callable[[], Prepared]
           ) -> Prepared:
    """Return the objects that are cached for `parts`, else build and cache them.

    `parts` are JSON values that determine the objects. A damaged file is built again; failing to
    write the folder is only logged. Without a folder nothing is cached.
    """
    if folder is None:
        return build()
    settings = json.dumps([FORMAT, *parts], sort_keys=True)
    path = folder / f'{hashlib.sha256(settings.encode()).hexdigest()}.npz'
    try:
        if path.exists():
            return _load(path)
    except _DAMAGED_FILE as error:
        logger.warning('%s is damaged (%s) and is built again', path, error)
    prepared = build()
    _save(path, prepared)
    return prepared


def source_state(path: Path) -> str:
    """Return the names, sizes and modification times of the files of a path, as text.

    It serves as a fast cache key: it changes when a file changes. It is empty for a path that does
    not exist (`procedural`). Raises OSError.
    """
    return '\n'.join(f'{name} {stat.st_size} {stat.st_mtime_ns}'
                     for name, file in _files(path) for stat in [file.stat()])


def source_sha256(path: Path) -> str | dict[str, str]:
    """Return the SHA-256 of a file, of each file of a folder, or of a large folder's listing.

    It is recorded in the provenance. Raises OSError.
    """
    files = _files(path)
    if path.is_file():
        return file_sha256(path)
    if len(files) <= MAX_HASHED_FILES:
        return {name: file_sha256(file) for name, file in files}
    listing = '\n'.join(f'{name} {file.stat().st_size}' for name, file in files)
    return {'listing': hashlib.sha256(listing.encode()).hexdigest()}


def _load(path: Path) -> Prepared:
    stored = read_arrays(path)
    points, normals, labels = stored['points'], stored['normals'], stored['labels']
    texts = json.loads(str(stored['texts']))
    names, classes = tuple(texts['names']), tuple(texts['class_names'])
    if (points.dtype, normals.dtype, labels.dtype) != (np.float32, np.float32, np.int64) \
            or points.ndim != 3 or points.shape != normals.shape \
            or not len(points) == len(labels) == len(names):
        raise ValueError(f'its arrays do not fit together: {points.shape}, {labels.shape}')
    if not (np.isfinite(points).all() and np.isfinite(normals).all()) \
            or not all(isinstance(name, str) for name in (*names, *classes)) \
            or not isinstance(texts['facts'], dict):
        raise ValueError('it holds values that no object has')
    return Prepared(points=points, normals=normals, labels=labels, names=names,
                    class_names=classes, facts=texts['facts'])


def _save(path: Path, prepared: Prepared) -> None:
    texts = json.dumps({'names': prepared.names, 'class_names': prepared.class_names,
                        'facts': prepared.facts})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as whole:
            np.savez(whole, points=prepared.points, normals=prepared.normals,
                     labels=prepared.labels, texts=np.array(texts))
    except OSError as error:
        logger.warning('cannot cache objects in %s (%s); they will be built again', path, error)


def _files(path: Path) -> list[tuple[str, Path]]:
    if path.is_file():
        return [(str(path.resolve()), path)]
    return sorted((str(file.relative_to(path)), file) for file in path.rglob('*')
                  if file.is_file())
