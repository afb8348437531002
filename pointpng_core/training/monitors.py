"""Monitors of a training run: invariant collapse, and losses or gradients that are not finite."""

from collections.abc import Mapping
from dataclasses import dataclass
import math

import torch
from torch import Tensor

READINGS = 5
"""Consecutive bad readings before a warning, and between one warning and the next."""
COPE_SHARE = 0.99
"""Share of its maximum ln(M + 1) above which L_cope indicates collapse."""
MIN_AE = 0.02
MOST_USEFUL_POSE_DEG = 90.0
"""Absolute equivariance below which the embedding has collapsed to invariance."""


def doubt_about(metrics: Mapping[str, float | None]) -> str:
    """Return why a model with these metrics of its last validation is useless, or nothing.

    Random rotations of an object are 126 degrees from each other in the median: a pose that is
    more than 90 degrees off tells little. An AE below 0: the predictor does worse than none.
    """
    pose_deg, ae = metrics.get('val_pose_median_deg'), metrics.get('val_ae')
    reasons = []
    if pose_deg is not None and not pose_deg <= MOST_USEFUL_POSE_DEG:
        reasons.append(f'its poses are {pose_deg:.0f} degrees off in the median')
    if ae is not None and not ae >= 0:
        reasons.append(f'its AE is {ae:.3f}, below 0')
    return (f'this model is of no use: {" and ".join(reasons)}, on held-out objects. Train for '
            'longer, or on more objects') if reasons else ''


class CollapseMonitor:
    """Warns when L_cope stays near ln(M + 1), or AE near 0: the embedding ignores rotations."""

    def __init__(self, negatives: int) -> None:
        self._ceiling = math.log(negatives + 1)
        self._bad = 0

    def warning(self, *, cope: float, ae: float) -> str | None:
        """Return a warning after a reading of L_cope and AE, or None."""
        flat = self._ceiling > 0 and cope > COPE_SHARE * self._ceiling
        self._bad = self._bad + 1 if flat or ae < MIN_AE else 0
        if not self._bad or self._bad % READINGS:
            return None
        return (f'the embedding is collapsing to invariance: AE = {ae:.3f}, L_cope = {cope:.3f} '
                f'of ln(M + 1) = {self._ceiling:.3f}; raise beta, negatives '
                'or boost, change tau, or set model.cope to wigner')


@dataclass(frozen=True, kw_only=True)
class NonFiniteStep:
    """A step whose loss or gradient norm is not finite."""

    step: int
    loss: float
    gradient_norm: float


class FiniteMonitor:
    """Collects losses and gradient norms on their device, and reads them all at once.

    Reading them one by one would synchronise with a GPU at every step.
    """

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._values: list[Tensor] = []

    def add(self, step: int, loss: Tensor, gradient_norm: Tensor) -> None:
        """Record the loss and the gradient norm of a step."""
        self._steps.append(step)
        self._values.append(torch.stack((loss.detach().float(), gradient_norm.float())))

    def read(self) -> NonFiniteStep | None:
        """Return the first non-finite step since the last reading; waits for the device."""
        rows = torch.stack(self._values).tolist() if self._values else []
        steps, self._steps, self._values = self._steps, [], []
        for step, (loss, norm) in zip(steps, rows):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                return NonFiniteStep(step=step, loss=loss, gradient_norm=norm)
        return None
