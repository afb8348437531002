"""Unpacking of zstd, lz4 and bz2 that ends where a limit is reached, for bags."""

import bz2
from collections.abc import Callable
import importlib
from pathlib import Path
import sys
from typing import Any

from pointpng_core.errors import FileError
from pointpng_core.io.limits import MAX_BAG_FILE_BYTES, MAX_MESSAGE_BYTES, MIB

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


def unpack_zstd(data: bytes, most: int = MAX_MESSAGE_BYTES) -> bytes:
    """Return what a zstd frame holds, at most `most` bytes; raises FileError."""
    return _unpack(_zstd().ZstdDecompressor, data, most)


def unpack_lz4(data: bytes, most: int = MAX_MESSAGE_BYTES) -> bytes:
    """Return what an lz4 frame holds, at most `most` bytes; raises FileError."""
    return _unpack(importlib.import_module('lz4.frame').LZ4FrameDecompressor, data, most)


def unpack_bz2(data: bytes, most: int = MAX_MESSAGE_BYTES) -> bytes:
    """Return what a bz2 stream holds, at most `most` bytes; raises FileError."""
    return _unpack(bz2.BZ2Decompressor, data, most)


def unpack_file(packed: Path, target: Path) -> None:
    """Write what a zstd file holds, at most MAX_BAG_FILE_BYTES; raises FileError.

    Of a truncated or damaged file its intact beginning is written.
    """
    decompressor, written = _zstd().ZstdDecompressor(), 0
    try:
        with packed.open('rb') as source, target.open('wb') as sink:
            while not decompressor.eof and written < MAX_BAG_FILE_BYTES:
                block = source.read(MIB) if decompressor.needs_input else b''
                if decompressor.needs_input and not block:
                    return
                written += sink.write(decompressor.decompress(block, MIB))
    except (OSError, _zstd().ZstdError) as error:
        if not written:
            raise FileError(f'{packed} cannot be unpacked: {error}') from error
    if written >= MAX_BAG_FILE_BYTES:
        raise FileError(f'{packed} unpacks to more than {MAX_BAG_FILE_BYTES} bytes')


def _unpack(make: Callable[[], Any], data: bytes, most: int) -> bytes:
    """Return all that a decompressor of the standard library's kind makes of the data."""
    decompressor = make()
    try:
        unpacked: bytes = decompressor.decompress(data, most + 1)
    except Exception as error:           # each library has its own kinds
        raise FileError(f'packed data is damaged: {str(error)[:100]}') from error
    if len(unpacked) > most:
        raise FileError(f'packed data holds more than the {most} bytes that were expected')
    if not decompressor.eof:
        raise FileError('packed data is truncated')
    return unpacked


def _zstd() -> Any:
    return importlib.import_module('compression.zstd' if sys.version_info >= (3, 14)
                                   else 'backports.zstd')
