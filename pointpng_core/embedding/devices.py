"""Torch devices: by name, synchronisation, transfers and reduced precision."""

from dataclasses import fields, is_dataclass
from typing import Any

import torch

from pointpng_core.errors import ConfigError

DEVICE_TYPES = ('cpu', 'cuda')


def torch_device(name: str) -> torch.device:
    """Return a device that works here: cpu, cuda or cuda:N; raises ConfigError."""
    try:
        device = torch.device(name)
        # Others, as "meta", have no numbers, or lack what is needed here.
        reason = '' if device.type in DEVICE_TYPES else 'of a kind that is not supported'
        if not reason:
            (torch.ones(2, device=device) + 1).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition('\n')[0]
    if reason:
        raise ConfigError(f'device {name!r} cannot be used here ({reason}); '
                          'choose "cpu", or "cuda" where there is a GPU and the CUDA build of '
                          'torch (docs/gpu.md)')
    return device


def synchronise(device: torch.device) -> None:
    """Wait until a device has finished all work queued on it; a CPU never has to wait."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def move(value: Any, device: torch.device) -> Any:
    """Return a tensor, or a dataclass of tensors and other values, on a device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{part.name: move(getattr(value, part.name), device)
                              for part in fields(value)})
    return value


def reduced_precision(precision: str, device: torch.device) -> torch.autocast:
    """Return the autocast context of a network's forward pass: 'float32' or 'bfloat16'.

    Losses are computed outside it, in float32.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == 'bfloat16')
