"""One checkpoint: written atomically, verified before it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
import safetensors.torch
import torch
from torch import Tensor

from pointpng_core import __version__
from pointpng_core.errors import FileError
from pointpng_core.io.checkpoints.atomic_folder import place_folder
from pointpng_core.io.checkpoints.checksums import SUMS, sums_of, verified_files
from pointpng_core.io.files import to_jsonable
from pointpng_core.text import shown

FORMAT = 1
"""To be increased when the meaning of stored values changes; file names stay."""
KIND = 'point_png'
KINDS = (KIND,)
MODEL_FILE, CONFIG_FILE = 'model.safetensors', 'config.json'
TRAINER_FILE, STATE_FILE = 'trainer.safetensors', 'trainer.json'
_FILES = (MODEL_FILE, CONFIG_FILE, TRAINER_FILE, STATE_FILE, SUMS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """Everything needed to use a model; tensors on the CPU."""

    path: Path
    tensors: dict[str, Tensor]
    config: dict[str, Any]
    """format, kind, version, and values of the writer: step, model, labels, metrics ..."""
    sha256: str
    """SHA-256 of `model.safetensors`."""


def write_checkpoint(folder: str | Path, *, tensors: Mapping[str, Tensor], config: dict[str, Any],
                     trainer_tensors: Mapping[str, Tensor] | None = None,
                     trainer_state: dict[str, Any] | None = None) -> None:
    """Write a checkpoint atomically: `folder` holds all of it or does not exist.

    `config` gets format, kind and version where it lacks them; nan and inf become null there, but
    not in `trainer_state`. An existing checkpoint of that name is replaced. Raises FileError with
    the reason; everything remains as it was then.
    """
    folder = Path(folder)
    header = {'format': FORMAT, 'kind': KIND, 'version': __version__}
    contents = {MODEL_FILE: _tensors_to_bytes(tensors),
                CONFIG_FILE: _json_bytes(to_jsonable({**header, **config}))}
    if trainer_tensors is not None or trainer_state is not None:
        contents[TRAINER_FILE] = _tensors_to_bytes(trainer_tensors or {})
        contents[STATE_FILE] = _json_bytes(trainer_state or {})
    contents[SUMS] = sums_of(contents)
    try:
        _check_replaceable(folder)
        place_folder(folder, contents)
    except OSError as error:
        raise FileError(
            f'cannot write the checkpoint {folder}: {error.strerror or error}; earlier '
            'checkpoints are untouched: make room, or choose another folder') from error


def read_checkpoint(folder: str | Path) -> Checkpoint:
    """Read a checkpoint after checking all of it.

    Raises FileError naming what is missing, damaged, or of a kind or format not known here.
    """
    folder = Path(folder)
    contents, sums = _verified(folder, (MODEL_FILE, CONFIG_FILE))
    config = _mapping(contents[CONFIG_FILE], folder / CONFIG_FILE)
    _check_header(config, folder / CONFIG_FILE)
    return Checkpoint(path=folder, config=config, sha256=sums[MODEL_FILE],
                      tensors=_tensors_from_bytes(contents[MODEL_FILE], folder / MODEL_FILE))


def read_trainer_state(folder: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and values from which training resumes, after checking the checkpoint.

    Raises FileError, also when the checkpoint has no trainer state.
    """
    folder = Path(folder)
    contents, _ = _verified(folder, (CONFIG_FILE, TRAINER_FILE, STATE_FILE))
    _check_header(_mapping(contents[CONFIG_FILE], folder / CONFIG_FILE), folder / CONFIG_FILE)
    if not {TRAINER_FILE, STATE_FILE} <= contents.keys():
        raise FileError(f'checkpoint {folder} holds a model without the state of its training '
                        f'({TRAINER_FILE}): it can be used and fine-tuned, but not resumed')
    return (_tensors_from_bytes(contents[TRAINER_FILE], folder / TRAINER_FILE),
            _mapping(contents[STATE_FILE], folder / STATE_FILE))


def verify_checkpoint(folder: Path) -> None:
    """Check that all files exist and are unchanged; raises FileError."""
    _verified(folder, ())


def is_checkpoint(folder: Path) -> bool:
    """Return whether a folder is meant to be a checkpoint, intact or not."""
    return (folder / SUMS).exists() or (folder / MODEL_FILE).exists()


def weights_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 that `model.safetensors` with these tensors has."""
    return hashlib.sha256(_tensors_to_bytes(tensors)).hexdigest()


def _verified(folder: Path, wanted: tuple[str, ...]) -> tuple[dict[str, bytes], dict[str, str]]:
    contents, sums = verified_files(folder, wanted)
    for name in (MODEL_FILE, CONFIG_FILE):
        if name not in sums:
            raise FileError(f'{folder / SUMS} does not name {name}: the checkpoint is incomplete; '
                            'use another one')
    return contents, sums


def _check_replaceable(folder: Path) -> None:
    """Raise FileError if a folder holds other files than those of a checkpoint."""
    if not folder.exists():
        return
    others = [entry.name for entry in folder.iterdir() if entry.name not in _FILES]
    if others:
        raise FileError(f'cannot write the checkpoint {folder}: the folder exists and holds '
                        f'{min(others)!r}, which is not of a checkpoint; choose another name')


def _check_header(config: dict[str, Any], path: Path) -> None:
    version = config.get('format')
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FileError(f'{path}: format = {shown(version)} is no format of a checkpoint')
    if version > FORMAT:
        raise FileError(f'{path}: written by a newer pointpng_ros (format {version}, this one '
                        f'reads up to {FORMAT}): update pointpng_ros')
    if not isinstance(config.get('kind'), str) or config['kind'] not in KINDS:
        raise FileError(f'{path}: kind = {shown(config.get("kind"))} is not known here; '
                        f'known: {", ".join(KINDS)}')


def _tensors_to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the safetensors file of tensors on any device; the same tensors, the same bytes."""
    # Cloned, for tensors that share memory are refused.
    return safetensors.torch.save({
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()})


def _tensors_from_bytes(content: bytes, path: Path) -> dict[str, Tensor]:
    """Return the tensors, finite and on the CPU, of what was read from `path`.

    Raises FileError.
    """
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise FileError(f'{path} is no safetensors file: {error}') from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise FileError(f'{path}: {shown(name)} holds numbers that are not finite: the '
                            'training diverged, or the file was changed; use another checkpoint')
    return tensors


def _json_bytes(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + '\n').encode()


def _mapping(content: bytes, path: Path) -> dict[str, Any]:
    try:
        mapping = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise FileError(f'{path} is not valid JSON: {reason}') from error
    if not isinstance(mapping, dict):
        raise FileError(f'{path}: expected a mapping at the top, got {type(mapping).__name__}')
    return mapping
