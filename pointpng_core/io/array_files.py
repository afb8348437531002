"""Arrays in .npy and .npz files, checked before anything is unpacked or allocated.

What the headers of the arrays declare must be what the archive holds, and not more than the size
of the file allows; objects, which would be pickles, are refused, and so are names that occur
twice.
"""

from collections.abc import Collection
import math
from pathlib import Path
import sys
import tokenize
from typing import IO, Any
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.files import checked_path
from pointpng_core.io.limits import MAX_MEMBERS, allowed_array_bytes

BROKEN_ARRAYS = (OSError, ValueError, EOFError, KeyError, TypeError, OverflowError, MemoryError,
                 SyntaxError, RecursionError, NotImplementedError, RuntimeError, IndexError,
                 tokenize.TokenError, zipfile.BadZipFile, zlib.error)
"""What numpy, zipfile and zlib raise for files that are damaged or encrypted."""
_SUFFIX = '.npy'


def read_arrays(path: str | Path, wanted: Collection[str] | None = None
                ) -> dict[str, NDArray[Any]]:
    """Return arrays of an .npz file by their names: the wanted ones that it has, or all.

    Raises FileError.
    """
    path = checked_path(path, ('.npz',))
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            chosen = [name for name in members if wanted is None or name in wanted]
            return {name: _array(path, archive, members[name]) for name in chosen}
    except BROKEN_ARRAYS as error:
        raise FileError(f'{path} is not a readable .npz file: {str(error)[:200]}') from error


def read_array(path: str | Path) -> NDArray[Any]:
    """Return the array of an .npy file; raises FileError."""
    path = checked_path(path, ('.npy',))
    try:
        with path.open('rb') as stream:
            _check_header(f'{path}', *_header(stream), size=path.stat().st_size)
            stream.seek(0)
            return _with_whole_text(np.lib.format.read_array(stream, allow_pickle=False))
    except BROKEN_ARRAYS as error:
        raise FileError(f'{path} is not a readable .npy file: {str(error)[:200]}') from error


def array_names(path: str | Path) -> list[str]:
    """Return the names of the arrays of an .npz file; raises FileError."""
    path = checked_path(path, ('.npz',))
    try:
        with zipfile.ZipFile(path) as archive:
            return list(_members(path, archive))
    except BROKEN_ARRAYS as error:
        raise FileError(f'{path} is not a readable .npz file: {str(error)[:200]}') from error


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members of an archive by the names of their arrays, their sizes checked."""
    entries = archive.infolist()
    members = {entry.filename.removesuffix(_SUFFIX): entry for entry in entries}
    if len(members) < len(entries) or len(entries) > MAX_MEMBERS:
        raise FileError(f'{path} holds {len(entries)} arrays with {len(members)} names: each has '
                        f'one of its own, and no more than {MAX_MEMBERS} are read')
    declared = sum(entry.file_size for entry in entries)
    allowed = allowed_array_bytes(path.stat().st_size)
    if declared > allowed:
        raise FileError(f'{path} would unpack to {declared} bytes; no more than {allowed} are '
                        'unpacked of a file of its size')
    return members


def _array(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Return one array, after a look at its header: numpy allocates what that declares."""
    with archive.open(entry) as stream:
        _check_header(f'{path}: {entry.filename[:60]!r}', *_header(stream), size=entry.file_size)
    with archive.open(entry) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        stream.read(1)                   # at the end the checksum is compared
    return _with_whole_text(array)


def _with_whole_text(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array; raises ValueError for text with numbers that are no characters.

    numpy would raise SystemError, each time that such an element is looked at.
    """
    if array.dtype.kind == 'U' and array.size:
        order = array.dtype.byteorder.replace('|', '=')
        codes = np.ascontiguousarray(array).reshape(-1).view(f'{order}u4')
        if codes.max() > sys.maxunicode:
            raise ValueError(f'its text has a character of number {codes.max()}')
    return array


def _check_header(where: str, shape: tuple[int, ...], dtype: np.dtype[Any], start: int, *,
                  size: int) -> None:
    """Raise FileError for an array that does not fill its file or member of `size` bytes."""
    if dtype.hasobject:
        raise FileError(f'{where} holds Python objects, which are not read')
    declared = math.prod(shape) * dtype.itemsize
    if declared != size - start or min(shape, default=0) < 0:
        raise FileError(f'{where} declares {str(shape)[:60]} of {str(dtype)[:60]}, {declared} '
                        f'bytes, and holds {size - start}')


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape and type of an array, and the offset of its data."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f'arrays of the format {version} are not read')
    return shape, dtype, stream.tell()
