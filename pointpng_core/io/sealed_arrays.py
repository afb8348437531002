"""Arrays in a cache: under a seal that any change of content, name or key breaks.

    8 bytes   MAGIC
    32 bytes  SHA-256 of the key and of all that follows
    the rest  the arrays, in the format of safetensors

The seal is checked before anything is read from what it covers. It is no signature: who may write
as the user may write a new one. Files that others could have written are refused, therefore.
"""

from collections.abc import Mapping
import hashlib
import os
from pathlib import Path
import stat

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
import safetensors.numpy

from pointpng_core.errors import FileError
from pointpng_core.io.files import atomic_write

MAGIC = b'PPNGARR1'
MAX_BYTES = 1 << 29
"""512 MiB; a reference has 2.5 MB. Callers that keep more say so."""
_HEADER = len(MAGIC) + hashlib.sha256().digest_size


def write_sealed(path: Path, arrays: Mapping[str, NDArray[np.generic]], *, key: str) -> None:
    """Write arrays in one step, for the user only; raises OSError."""
    content = sealed(arrays, key=key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as whole:
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, 'wb') as stream:
            stream.write(content)


def sealed(arrays: Mapping[str, NDArray[np.generic]], *, key: str) -> bytes:
    """Return the content of a file of arrays."""
    body = safetensors.numpy.save({name: np.ascontiguousarray(array).reshape(array.shape)
                                   for name, array in arrays.items()})
    return MAGIC + _digest(key, body) + body


def read_sealed(path: Path, *, key: str, most_bytes: int = MAX_BYTES
                ) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a file, writable, as they were written under `key`.

    Raises FileNotFoundError where there is none, and FileError, with the reason, for one that is
    not exactly what `write_sealed` wrote, or that another user could have written.
    """
    seal, body = _own_content(path, most_bytes)
    if seal != MAGIC + _digest(key, body):
        raise FileError(f'{path} is damaged or was changed: its content is not what its seal says')
    try:
        return {name: np.require(array, requirements='W')
                for name, array in safetensors.numpy.load(body).items()}
    except (SafetensorError, ValueError, KeyError) as error:
        raise FileError(f'{path} holds no arrays: {error}') from error


def _own_content(path: Path, most_bytes: int) -> tuple[bytes, bytes]:
    """Return seal and body of a file that nobody but this user or root could have written."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f'there is no {path}') from error
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    with open(descriptor, 'rb') as stream:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > most_bytes:
            raise FileError(f'{path} is not a regular file of at most {most_bytes} bytes')
        if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise FileError(f'{path} could have been written by another user')
        try:
            return stream.read(_HEADER), stream.read(max(0, facts.st_size - _HEADER))
        except OSError as error:
            raise FileError(f'cannot read {path}: {error.strerror or error}') from error


def _digest(key: str, body: bytes) -> bytes:
    digest = hashlib.sha256(f'{len(key)}:{key}'.encode())
    digest.update(body)
    return digest.digest()
