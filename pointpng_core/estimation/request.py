"""What one call of the estimator is about: observations, references, and where to begin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.observation_kind import ObservationKind
from pointpng_core.estimation.observations import Observations
from pointpng_core.reference import Reference
from pointpng_core.timing import StageTimer


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one call of the estimator is about."""

    observations: Observations
    references: Sequence[Reference]
    scene_points: NDArray[np.floating] | None
    timer: StageTimer
    shown: ObservationKind = ObservationKind.FULL_SURFACE
    """What the observations are taken for."""
    rows: Sequence[int] = ()
    """Given poses: which of the references each observation is held against."""
    T_previous: Sequence[NDArray[np.float64]] = ()
    """Given poses: where it is, or was, in each observation, (4, 4)."""

    def take(self, index: Sequence[int], shown: ObservationKind) -> 'Task':
        """Return the task for some of the observations, and for what to take them."""
        return replace(self, observations=self.observations.take(index), shown=shown,
                       rows=[self.rows[row] for row in index if self.rows],
                       T_previous=[self.T_previous[row] for row in index if self.rows])
