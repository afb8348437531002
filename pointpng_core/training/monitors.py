"""Watches for the collapse to invariance, in which the embedding forgets rotations."""

import math

PATIENCE = 5
"""Bad readings in a row before it is said, and between one warning and the next."""
COPE_SHARE = 0.99
AE_LEAST = 0.02


class CollapseWatch:
    """Tells when L_cope stays near ln(M + 1) or AE near 0."""

    def __init__(self, negatives: int) -> None:
        self._ceiling = math.log(negatives + 1)
        self._bad = 0

    def warning(self, *, cope: float, ae: float) -> str | None:
        """Return what to say after a reading of L_cope and AE, None when all is well."""
        flat = self._ceiling > 0 and cope > COPE_SHARE * self._ceiling
        self._bad = self._bad + 1 if flat or ae < AE_LEAST else 0
        if not self._bad or self._bad % PATIENCE:
            return None
        return (f'the embedding is collapsing to invariance: AE = {ae:.3f}, L_cope = {cope:.3f} '
                f'of ln(M + 1) = {self._ceiling:.3f}; raise beta, negatives '
                'or boost, change tau, or set model.cope to wigner')


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
