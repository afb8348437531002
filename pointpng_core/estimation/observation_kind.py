"""What of a surface an observation shows, which decides how it is searched and judged."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.estimation.observations import seen_from_outside


class ObservationKind(Enum):
    """What of a surface is there."""

    SINGLE_VIEW = 'single view'
    """As a camera at the origin sees it: what it hides is known."""
    FULL_SURFACE = 'full surface'
    """From all sides: what is missing speaks against a pose."""
    PARTIAL_SURFACE = 'partial surface'
    """From several sides, with a part missing, nobody knows which: a scan of what stands on a
    table, two cameras."""


def may_be_single_view(cloud: NDArray[np.float32], viewpoint: str) -> bool:
    """Tell whether to take points (N, 3) for one view of a camera at the origin.

    `viewpoint` is that of EstimatorConfig. Raises CloudError where there can be no camera.
    """
    if viewpoint == 'sensor' and not np.linalg.norm(cloud.mean(axis=0)) > 0:
        raise CloudError('the points surround the origin, where the camera is said to be; give '
                         'them in the frame of the camera, or set viewpoint to none')
    return seen_from_outside(cloud) if viewpoint == 'auto' else viewpoint == 'sensor'
