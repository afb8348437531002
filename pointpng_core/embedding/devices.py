"""Torch devices by name."""

from dataclasses import fields, is_dataclass
from typing import Any

import torch

from pointpng_core.errors import ConfigError


def torch_device(name: str) -> torch.device:
    """Return a device that works here: cpu, cuda or cuda:N; raises ConfigError."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f'device {name!r} cannot be used here ({error}); '
                          'choose "cpu", or "cuda" where a GPU is at hand') from error
    return device


def finish(device: torch.device) -> None:
    """Wait until a device has done all that was asked of it; the CPU always has."""
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
