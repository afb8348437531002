"""SHA256SUMS: the hashes of the files of a folder, as `sha256sum` writes and checks them."""

from collections.abc import Collection, Mapping
import hashlib
import os
from pathlib import Path
import re

from pointpng_core.errors import FileError
from pointpng_core.io.files import check_regular, file_sha256, read_within

SUMS = 'SHA256SUMS'
MAX_SUMS_BYTES, MAX_FILE_BYTES = 1 << 20, 1 << 33
"""Of SHA256SUMS, and of any file that it names: 8 GiB, of `steerable` 11 MB."""
# File names without folders: the sums cover the files of their own folder only.
_LINE = re.compile(r'([0-9a-f]{64}) [ *]([A-Za-z0-9_-][A-Za-z0-9._-]{0,99})')


def sums_of(contents: Mapping[str, bytes]) -> bytes:
    """Return the SHA256SUMS of files that are about to be written."""
    return ''.join(f'{hashlib.sha256(content).hexdigest()}  {name}\n'
                   for name, content in contents.items()).encode()


def read_sums(folder: Path) -> dict[str, str]:
    """Return the hashes that a folder's SHA256SUMS gives, by file name; raises FileError."""
    path = folder / SUMS
    if not os.path.isdir(folder):        # False, not an error, for what can be no path
        raise FileError(f'checkpoint {folder}: there is no such folder')
    try:
        lines = read_within(path, MAX_SUMS_BYTES).decode('utf-8').splitlines()
    except FileNotFoundError as error:
        raise FileError(f'checkpoint {folder}: {SUMS} is missing, so it was not written to the '
                        'end or is no checkpoint; use another one') from error
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f'cannot read {path}: {getattr(error, "strerror", error)}') from error
    sums = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise FileError(f'{path} is damaged: line {number} is not "HASH  NAME"')
        sums[match[2]] = match[1]
    return sums


def verified_files(folder: Path, wanted: Collection[str] = ()
                   ) -> tuple[dict[str, bytes], dict[str, str]]:
    """Check every file that SHA256SUMS names; return the contents of those wanted, and all hashes.

    What is returned is what was checked. Raises FileError naming the first file that is missing,
    unreadable or changed.
    """
    contents: dict[str, bytes] = {}
    sums = read_sums(folder)
    for name, expected in sums.items():
        path = folder / name
        try:
            if name in wanted:
                contents[name] = read_within(path, MAX_FILE_BYTES)
                found = hashlib.sha256(contents[name]).hexdigest()
            else:
                check_regular(path, MAX_FILE_BYTES)
                found = file_sha256(path)
        except FileNotFoundError as error:
            raise FileError(f'checkpoint {folder}: {name} is missing') from error
        except OSError as error:
            raise FileError(f'cannot read {path}: {error.strerror or error}') from error
        if found != expected:
            raise FileError(f'{path} is damaged: its SHA-256 is not the one in {SUMS}; copy it '
                            'again or use another checkpoint')
    return contents, sums
