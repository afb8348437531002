"""Confidence: from the evidence for a pose to the probability that it is right."""

from pointpng_core.estimation.confidence.features import (
    FEATURES,
    LARGEST_MARGIN,
    EvidenceSummary,
    features_of,
)
from pointpng_core.estimation.confidence.logistic import (
    MIN_CONFIDENCE,
    Calibration,
    Weights,
    default_calibration,
    read_calibration,
)

__all__ = [
    'FEATURES',
    'LARGEST_MARGIN',
    'MIN_CONFIDENCE',
    'Calibration',
    'EvidenceSummary',
    'Weights',
    'default_calibration',
    'features_of',
    'read_calibration',
]
