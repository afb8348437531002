"""How sure one can be of a pose: from the evidence to the probability that it is right."""

from pointpng_core.calibration.calibration import (
    Calibration,
    Weights,
    default_calibration,
    read_calibration,
)
from pointpng_core.calibration.traits import TRAITS, Situation, traits_of

__all__ = ['TRAITS', 'Calibration', 'Situation', 'Weights', 'default_calibration',
           'read_calibration', 'traits_of']
