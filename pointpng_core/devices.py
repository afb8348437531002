"""Torch devices by name."""

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
