"""Objects in HDF5 files, as ModelNet40 and ScanObjectNN are published: a file or a folder."""

from pathlib import Path
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError, FileError, MissingDependencyError
from pointpng_core.io.files import checked_path
from pointpng_core.io.hdf5_files import read_data_set
from pointpng_core.io.limits import MAX_LIST_BYTES
from pointpng_core.training.data.objects import (
    UNKNOWN,
    Progress,
    RawObjects,
)
from pointpng_core.training.data.source_config import SourceConfig

HDF5_SUFFIXES = ('.h5', '.hdf5')
SCANOBJECTNN_CLASSES = ('bag', 'bin', 'box', 'cabinet', 'chair', 'desk', 'display', 'door',
                        'shelf', 'table', 'bed', 'pillow', 'sink', 'sofa', 'toilet')
_LISTED = 20
_LISTS = {'train': 'train_files.txt', 'test': 'test_files.txt'}


def read_hdf5_objects(source: SourceConfig, *, seed: int, progress: Progress) -> RawObjects:
    """Read `data` (N, P, 3) and `label` (N,) or (N, 1) of all files of the split.

    The split of a file is given by the lists beside it (ModelNet40) or by its name: `train` or
    `test`. ScanObjectNN's `mask` is not used, as its benchmarks keep the background. Raises
    FileError, ConfigError if there is no file of the split, or MissingDependencyError without
    h5py.
    """
    path = Path(source.path)
    files = _files_of_split(source, _all_files(path))
    clouds, labels, names = [], [], []
    for done, file in enumerate(files):
        progress(done, len(files), f'files of {source.path}')
        data, label = _read(file)
        clouds.append(data)
        labels.append(label)
        names += [f'{file.stem}/{row:05d}' for row in range(len(data))]
    starts = np.cumsum([0, *map(len, clouds)])

    def read(index: int) -> NDArray[np.generic]:
        file = int(np.searchsorted(starts, index, side='right')) - 1
        return np.asarray(clouds[file][index - starts[file]])
    merged = np.concatenate(labels)
    return RawObjects(read=read, labels=merged, names=tuple(names),
                      class_names=_class_names(files[0], int(merged.max(initial=UNKNOWN))),
                      facts={'files': [file.name for file in files]})


def _all_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix.lower() in HDF5_SUFFIXES)


def _files_of_split(source: SourceConfig, files: list[Path]) -> list[Path]:
    sets = sorted({re.sub(r'train(ing)?|test|\d+$', '', file.stem) for file in files})
    if len(sets) > 1:
        raise FileError(f'{source.path} holds several data sets ({", ".join(sets)}): name the '
                        'file of one')
    splits = {file: _split_of(file) for file in files}
    if source.split == 'all':
        return files
    chosen = [file for file in files if splits[file] == source.split]
    if not chosen:
        raise ConfigError(f'{source.path} has no file of the {source.split} split; it has: '
                          + ', '.join(f'{file.name} ({splits[file]})' for file in files))
    return chosen


def _split_of(file: Path) -> str:
    """Return 'train' or 'test'; a file whose name contains neither is for training."""
    for split, name in _LISTS.items():
        listing = file.with_name(name)
        if file.name in {Path(line.strip()).name for line in _text(listing).splitlines()}:
            return split
    return 'test' if re.search(r'(?<![a-z])test', file.stem.lower()) else 'train'


def _read(path: Path) -> tuple[NDArray[Any], NDArray[np.int64]]:
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError(f'{path} needs the Python package h5py ({error}): '
                                     'pip install h5py') from error
    checked_path(path, HDF5_SUFFIXES)                          # a pipe in a folder has no end
    try:
        with h5py.File(path, 'r') as content:
            data = read_data_set(path, content, 'data')
            if data is None:
                raise FileError(f'{path}: expected the key `data`, found '
                                f'{", ".join(list(content)[:_LISTED]) or "nothing"}')
            label = read_data_set(path, content, 'label')
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, MemoryError, AttributeError,
            OverflowError, UnicodeError) as error:
        raise FileError(f'{path} is not a readable HDF5 file: {str(error)[:200]}') from error
    return _checked(path, data, label)


def _checked(path: Path, data: NDArray[Any], label: NDArray[Any] | None
             ) -> tuple[NDArray[Any], NDArray[np.int64]]:
    if data.ndim != 3 or data.shape[2] != 3 or data.dtype.kind not in 'fiu':
        raise FileError(f'{path}: data must be numbers of shape (N, P, 3), got {data.shape} of '
                        f'{data.dtype}')
    if label is None:
        return data, np.full(len(data), UNKNOWN)
    if label.dtype.kind not in 'iu' or label.size != len(data):
        raise FileError(f'{path}: label must be {len(data)} integers, got {label.shape} of '
                        f'{label.dtype}')
    return data, label.reshape(-1).astype(np.int64)


def _text(path: Path) -> str:
    """Return the text of a list of names, '' where there is none; raises FileError.

    A link is refused, since its names would end up in checkpoints, whatever file it leads to.
    """
    if not path.exists():
        return ''
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_LIST_BYTES:
        raise FileError(f'{path} must be a file of at most {MAX_LIST_BYTES} bytes, and no link')
    try:
        return path.read_text(encoding='utf-8')
    except (OSError, UnicodeError) as error:
        raise FileError(f'{path} is not a readable text: {str(error)[:100]}') from error


def _class_names(file: Path, highest: int) -> tuple[str, ...]:
    """Return the class names beside the file, or ScanObjectNN's; none if there are too few."""
    names = tuple(_text(file.with_name('shape_names.txt')).split())
    if not names and 'objectdataset' in file.stem:
        names = SCANOBJECTNN_CLASSES
    return names if highest < len(names) else ()
