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
