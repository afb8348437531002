"""A moving average of the weights, which is often the better model."""

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of the floating-point state of a module."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self.tensors = {name: value.detach().clone() for name, value
                        in module.state_dict().items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from another average."""
        for name, value in self.tensors.items():
            value.copy_(tensors[name])

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards the module's present state; counters are copied."""
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.tensors[name].lerp_(value, 1.0 - self._decay)
            else:
                self.tensors[name].copy_(value)
