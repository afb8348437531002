"""What a file is whose first bytes are those of something else than its name says.

Pointers of Git LFS, web pages and packed files come about by downloads that went wrong. Their
readers would say that they are damaged, which sends people to look for the fault elsewhere.
"""

import codecs
from pathlib import Path

from pointpng_core.errors import FileError

_ENOUGH = 256
_PACKED = {b'\x1f\x8b': 'gzip', b'BZh91AY&SY': 'bzip2', b'\xfd7zXZ\x00': 'xz'}
"""No kind of file that is read here begins so. That of zstd is missing: bags may be packed so."""
_PAGES = (b'<!doctype html', b'<html')


def check_first_bytes(path: Path) -> None:
    """Raise FileError for what no reader reads, with what it is; OSError where it is not read."""
    with path.open('rb') as stream:
        wrong = _disguised(stream.read(_ENOUGH))
    if wrong:
        raise FileError(f'{path} {wrong}')


def _disguised(first: bytes) -> str:
    """Return what is wrong with a file by its first bytes, and what to do; '' for nothing."""
    if first.startswith(b'version https://git-lfs'):
        return ('is a pointer of Git LFS to the file, not the file itself: run `git lfs pull` in '
                'its repository')
    if first.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(_PAGES):
        return 'is a web page, perhaps the one that shows the file: download the file itself'
    for magic, name in _PACKED.items():
        if first.startswith(magic):
            return f'is packed by {name}: unpack it, and give what comes out'
    return ''
