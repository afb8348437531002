"""Hashes of files."""

import hashlib
from pathlib import Path

BLOCK_BYTES = 1 << 20


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits, read piece by piece; raises OSError."""
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
