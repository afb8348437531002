"""Data sets of HDF5 files, which lie in the file itself and are no larger than it allows.

HDF5 can name other files as the place of its data: external storage, external links and virtual
data sets. All three are refused, and so are links in the file and filters that are not its own.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.limits import allowed_array_bytes

_FILTERS = {1: 'gzip', 2: 'shuffle', 3: 'fletcher32', 4: 'szip', 6: 'scaleoffset', 32000: 'lzf'}
"""Those that h5py brings; others would be loaded from plugins."""
_NUMBERS = 'fiu'


def read_data_set(path: Path, file: Any, name: str) -> NDArray[Any] | None:
    """Return a data set of numbers of an open h5py.File, None where it has none of that name.

    `path` is named in errors. Raises FileError, and what h5py raises for a damaged file.
    """
    import h5py
    if not file.id.links.exists(name.encode()):     # `in` would follow links
        return None
    where = f'{path}: {name}'
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise FileError(f'{where} is a link: only data in the file itself is read')
    data = file[name]
    if not isinstance(data, h5py.Dataset):
        raise FileError(f'{where} is no data set')
    if data.external or data.is_virtual:
        raise FileError(f'{where} lies in other files: only data in the file itself is read')
    _check_size(where, data, allowed_array_bytes(path.stat().st_size))
    _check_filters(where, data)
    return np.asarray(data[()])


def _check_size(where: str, data: Any, allowed: int) -> None:
    """Raise FileError for what is no numbers, or would need more memory than allowed."""
    if data.shape is None or data.dtype.kind not in _NUMBERS:
        raise FileError(f'{where} must be numbers, got {str(data.dtype)[:60]}')
    sizes = [math.prod(shape) * data.dtype.itemsize for shape in (data.shape, data.chunks or ())]
    if max(sizes) > allowed:
        raise FileError(f'{where} declares {max(sizes)} bytes; no more than {allowed} are read of '
                        'a file of its size')


def _check_filters(where: str, data: Any) -> None:
    properties = data.id.get_create_plist()
    for index in range(properties.get_nfilters()):
        number = properties.get_filter(index)[0]
        if number not in _FILTERS:
            raise FileError(f'{where} is packed by the filter {number}; read are '
                            f'{", ".join(_FILTERS.values())}')
