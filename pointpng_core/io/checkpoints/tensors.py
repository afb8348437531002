"""Tensors by name to bytes and back, as safetensors: numbers only, nothing that could run."""

from collections.abc import Mapping
import hashlib
from pathlib import Path

from safetensors import SafetensorError
import safetensors.torch
import torch
from torch import Tensor

from pointpng_core.errors import FileError


def tensors_to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the safetensors file of tensors on any device; the same tensors, the same bytes."""
    # Cloned, for tensors that share memory are refused.
    return safetensors.torch.save({
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()})


def tensors_from_bytes(content: bytes, path: Path) -> dict[str, Tensor]:
    """Return the tensors, on the CPU, of what was read from `path`; raises FileError."""
    try:
        return safetensors.torch.load(content)
    except SafetensorError as error:
        raise FileError(f'{path} is no safetensors file: {error}') from error


def weights_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 that `model.safetensors` with these tensors has."""
    return hashlib.sha256(tensors_to_bytes(tensors)).hexdigest()
