"""Losses and gradients that are no numbers, found without making a GPU wait at every step."""

from dataclasses import dataclass
import math

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class BadStep:
    """A step whose loss, or the length of whose gradient, is no number."""

    step: int
    loss: float
    norm: float


class StepWatch:
    """Remembers steps on their device until they are read, all at once."""

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._values: list[Tensor] = []

    def add(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Remember the loss of a step and the length of its gradient."""
        self._steps.append(step)
        self._values.append(torch.stack((loss.detach().float(), norm.float())))

    def read(self) -> BadStep | None:
        """Return the first bad step since it was last read; this waits for the device."""
        rows = torch.stack(self._values).tolist() if self._values else []
        steps, self._steps, self._values = self._steps, [], []
        for step, (loss, norm) in zip(steps, rows):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                return BadStep(step=step, loss=loss, norm=norm)
        return None
