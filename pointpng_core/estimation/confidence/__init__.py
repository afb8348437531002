"""Confidence: from the evidence for a pose to the probability that it is right."""

from pointpng_core.estimation.confidence.features import (
    FEATURES,
    FRAME_FEATURES,
    LARGEST_MARGIN,
    PIXEL_FEATURES,
    EvidenceSummary,
    features_of,
    lead,
)
from pointpng_core.estimation.confidence.logistic import (
    MIN_CONFIDENCE,
    Calibration,
    FrameWeights,
    Weights,
    default_calibration,
    read_calibration,
)

__all__ = [
    'FEATURES',
    'FRAME_FEATURES',
    'LARGEST_MARGIN',
    'MIN_CONFIDENCE',
    'PIXEL_FEATURES',
    'Calibration',
    'EvidenceSummary',
    'FrameWeights',
    'Weights',
    'default_calibration',
    'features_of',
    'lead',
    'read_calibration',
]
