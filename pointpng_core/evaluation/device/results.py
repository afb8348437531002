"""What comes back: few files of few bytes. A run's newest checkpoint as a tar, cut into parts."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
import tarfile

import torch

from pointpng_core.errors import FileError
from pointpng_core.io.checkpoints import (
    MODEL,
    latest_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from pointpng_core.io.checkpoints.atomic_folder import discard_folder
from pointpng_core.training.metrics_log import METRICS_FILE
from pointpng_core.training.run_folder import CONFIG_FILE

PART_BYTES = 15 * 2 ** 20
WHOLE_BYTES = 12 * 2 ** 20
"""A checkpoint up to this size comes back with its optimiser, exactly; of others the weights."""


def bring_back(run_dir: Path, out: Path, name: str) -> list[Path]:
    """Write NAME.tar.0, NAME.tar.1, ... of a run: settings, metrics, the newest checkpoint.

    A large checkpoint comes as the `model` of the run, its weights in 16 bits: to start from, not
    to go on exactly. Raises FileError when the run has no checkpoint yet.
    """
    newest = latest_checkpoint(run_dir)
    if newest is None:
        raise FileError(f'{run_dir} holds no checkpoint to bring back')
    whole = sum(file.stat().st_size for file in newest.iterdir()) <= WHOLE_BYTES
    content = BytesIO()
    with tarfile.open(fileobj=content, mode='w') as archive:
        for file in (CONFIG_FILE, METRICS_FILE):
            if (run_dir / file).exists():
                archive.add(run_dir / file, arcname=file)
        if whole:
            archive.add(newest, arcname=str(newest.relative_to(run_dir)))
        else:
            _add_halved(archive, newest, run_dir / 'brought_back')
    return list(_parts(content.getvalue(), out, name))


def join(folder: Path, name: str, run_dir: Path) -> None:
    """Unpack what `bring_back` wrote; raises FileError."""
    parts = sorted(folder.glob(f'{name}.tar.*'), key=lambda path: int(path.suffix[1:]))
    if not parts:
        raise FileError(f'{folder} holds no {name}.tar.0')
    content = BytesIO(b''.join(part.read_bytes() for part in parts))
    try:
        with tarfile.open(fileobj=content) as archive:
            archive.extractall(run_dir, filter='data')
    except (OSError, tarfile.TarError) as error:
        raise FileError(f'{folder}: the parts of {name} cannot be unpacked: {error}') from error


def _add_halved(archive: tarfile.TarFile, newest: Path, beside: Path) -> None:
    checkpoint = read_checkpoint(newest)
    halves = {key: tensor.half() if tensor.dtype == torch.float32 else tensor
              for key, tensor in checkpoint.tensors.items()}
    write_checkpoint(beside, tensors=halves, config=checkpoint.config)
    archive.add(beside, arcname=MODEL)
    discard_folder(beside)


def _parts(content: bytes, out: Path, name: str) -> Iterator[Path]:
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f'{name}.tar.*'):
        old.unlink()
    for number, start in enumerate(range(0, len(content), PART_BYTES)):
        path = out / f'{name}.tar.{number}'
        path.write_bytes(content[start:start + PART_BYTES])
        yield path
