"""Prepared objects kept on disk, under the hash of everything they were made from."""

from collections.abc import Callable
import hashlib
import json
import logging
import os
from pathlib import Path
import zipfile
import zlib

import numpy as np

from pointpng_core.io.files import atomic_write
from pointpng_core.training.data.objects import Prepared

VARIABLE = 'POINTPNG_CACHE'
"""Environment variable that names another folder than ~/.cache/pointpng."""
logger = logging.getLogger(__name__)

FORMAT = 2
"""Raise it when what is stored, or how objects are read and normalised, changes."""
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


def cache_folder() -> Path:
    """Return the folder that commands keep prepared objects in."""
    return Path(os.environ.get(VARIABLE, '~/.cache/pointpng')).expanduser() / 'data'


def cached(folder: Path | None, parts: tuple[object, ...], build: Callable[[], Prepared]
           ) -> Prepared:
    """Return what the cache has for `parts`, else build it and keep it.

    A damaged file is built anew; a folder that cannot be written costs only the next build.
    """
    if folder is None:
        return build()
    settings = json.dumps([FORMAT, *parts], sort_keys=True)
    path = folder / f'{hashlib.sha256(settings.encode()).hexdigest()}.npz'
    try:
        return _load(path)
    except FileNotFoundError:
        pass
    except _DAMAGE as error:
        logger.warning('%s is damaged (%s); it is made again', path, error)
    prepared = build()
    _save(path, prepared)
    return prepared


def _load(path: Path) -> Prepared:
    with np.load(path, allow_pickle=False) as stored:
        points, normals, labels = stored['points'], stored['normals'], stored['labels']
        texts = json.loads(str(stored['texts']))
    names, classes = tuple(texts['names']), tuple(texts['class_names'])
    if (points.dtype, normals.dtype, labels.dtype) != (np.float32, np.float32, np.int64) \
            or points.ndim != 3 or points.shape != normals.shape \
            or not len(points) == len(labels) == len(names):
        raise ValueError(f'its arrays do not fit together: {points.shape}, {labels.shape}')
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
        logger.warning('cannot keep objects in %s (%s); they will be made again', path, error)
