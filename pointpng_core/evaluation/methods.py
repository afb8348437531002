"""What is compared: methods that prepare a source once and find it in targets."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimator import PoseEstimator
from pointpng_core.reference import Reference

Cloud = NDArray[np.float32]
Matrix = NDArray[np.float64]


class Method(Protocol):
    """A way to find T_target_source. Preparation is timed apart from the search."""

    name: str

    def prepare(self, source: Cloud) -> Any:
        """Return what can be computed once per source (N, 3)."""
        ...

    def register(self, prepared: Any, target: Cloud) -> tuple[Matrix, dict[str, float]]:
        """Return T_target_source (4, 4) and milliseconds by stage, where they are known."""
        ...


class PointPng:
    """The estimator of this project."""

    name = 'pointpng'

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def prepare(self, source: Cloud) -> Reference:
        """Build the reference."""
        return self._estimator.reference_from_model(source, name='source')

    def register(self, prepared: Reference, target: Cloud) -> tuple[Matrix, dict[str, float]]:
        """Estimate the pose."""
        best = self._estimator.estimate(target, [prepared])[0]
        return best.T_observation_reference, best.stage_ms
