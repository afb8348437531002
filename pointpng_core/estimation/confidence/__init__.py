"""How sure one can be of a pose: from the evidence to the probability that it is right."""

from pointpng_core.estimation.confidence.features import (
    LARGEST_MARGIN,
    TRAITS,
    Situation,
    traits_of,
)
from pointpng_core.estimation.confidence.logistic import (
    MIN_CONFIDENCE,
    Calibration,
    Weights,
    default_calibration,
    read_calibration,
)

__all__ = ['LARGEST_MARGIN', 'MIN_CONFIDENCE', 'TRAITS', 'Calibration', 'Situation',
           'Weights', 'default_calibration', 'read_calibration', 'traits_of']
