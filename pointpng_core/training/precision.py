"""In what precision networks are trained."""

import torch


def reduced_precision(precision: str, device: torch.device) -> torch.autocast:
    """Return the context for networks; losses stay outside it, in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == 'bfloat16')
