"""Disk cache of prepared objects, keyed by a hash of the source's files and all options.

Its files are sealed, as those of references: what was changed is built again.
"""

from collections.abc import Callable
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.files import LEFTOVER_AGE_S, file_sha256, remove_leftovers
from pointpng_core.io.limits import MAX_ARRAY_BYTES
from pointpng_core.io.sealed_arrays import read_sealed, write_sealed
from pointpng_core.text import printable
from pointpng_core.training.data.objects import Prepared

CACHE_VARIABLE = 'POINTPNG_CACHE'
"""Environment variable that replaces the folder ~/.cache/pointpng."""
MAX_HASHED_FILES = 16
"""The provenance of a larger folder is the hash of its listing (names and sizes)."""
logger = logging.getLogger(__name__)

FORMAT = 3
"""To be increased when the layout, or the reading and normalisation of objects, changes."""
SUFFIX = '.objects'
_DAMAGED_FILE = (FileError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def cache_folder() -> Path:
    """Return the folder in which commands cache prepared objects."""
    return Path(os.environ.get(CACHE_VARIABLE, '~/.cache/pointpng')).expanduser() / 'data'


def cached(folder: Path | None, parts: tuple[object, ...], build: Callable[[], Prepared]
           ) -> Prepared:
    """Return the objects that are cached for `parts`, else build and cache them.

    `parts` are JSON values that determine the objects. A damaged or changed file is built again;
    failing to write the folder is only logged. Without a folder nothing is cached.
    """
    if folder is None:
        return build()
    settings = json.dumps([FORMAT, *parts], sort_keys=True)
    key = hashlib.sha256(settings.encode()).hexdigest()
    path = folder / f'{key}{SUFFIX}'
    try:
        return _load(path, key)
    except FileNotFoundError:
        pass
    except _DAMAGED_FILE as error:
        logger.warning('%s', printable('cached objects are not used, and are built again: '
                                       f'{path}: {error}'))
    prepared = build()
    _save(path, key, prepared)
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


def _load(path: Path, key: str) -> Prepared:
    stored = read_sealed(path, key=key, most_bytes=MAX_ARRAY_BYTES)
    points, normals, labels = (_typed(stored[name], kind) for name, kind in (
        ('points', np.float32), ('normals', np.float32), ('labels', np.int64)))
    texts = json.loads(stored['texts'].tobytes())
    names, classes = tuple(texts['names']), tuple(texts['class_names'])
    if points.ndim != 3 or points.shape != normals.shape \
            or not len(points) == len(labels) == len(names):
        raise ValueError(f'its arrays do not fit together: {points.shape}, {labels.shape}')
    if not (np.isfinite(points).all() and np.isfinite(normals).all()) \
            or not all(isinstance(name, str) for name in (*names, *classes)) \
            or not isinstance(texts['facts'], dict):
        raise ValueError('it holds values that no object has')
    return Prepared(points=points, normals=normals, labels=labels, names=names,
                    class_names=classes, facts=texts['facts'])


def _typed(array: NDArray[Any], kind: type) -> NDArray[Any]:
    if array.dtype != kind:
        raise ValueError(f'an array is of {array.dtype}')
    return array


def _save(path: Path, key: str, prepared: Prepared) -> None:
    texts = json.dumps({'names': prepared.names, 'class_names': prepared.class_names,
                        'facts': prepared.facts})
    try:
        write_sealed(path, {'points': prepared.points, 'normals': prepared.normals,
                            'labels': prepared.labels,
                            'texts': np.frombuffer(texts.encode(), dtype=np.uint8)}, key=key)
        remove_leftovers(path.parent, older_than_s=LEFTOVER_AGE_S)
    except OSError as error:
        logger.warning('%s', printable(
            f'objects cannot be kept in {path.parent} ({error.strerror or error}), and are read '
            f'and prepared again each time: make the folder writable, or name another one by the '
            f'environment variable {CACHE_VARIABLE}'))


def _files(path: Path) -> list[tuple[str, Path]]:
    if path.is_file():
        return [(str(path.resolve()), path)]
    return sorted((str(file.relative_to(path)), file) for file in path.rglob('*')
                  if file.is_file())
