"""Poses that the pixels of a frame moved, judged by the points of their segments again.

A search registers only the poses that fit best after a few steps exactly: a golf ball a millimetre
off scores less than a strawberry. Once the pixels have refined both, the scores of their points
tell them apart, and belong to the poses that are returned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.confidence import FEATURES, lead
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.pixels import with_pixels
from pointpng_core.estimation.types import LabelHypothesis, PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.reference.reference import Reference
from pointpng_core.segmentation import Segment

FINALISTS = 4
"""Estimates of a segment, those best supported by pixels, that are judged."""
LEAD = FEATURES.index('lead')
OF_POINTS = [FEATURES.index(name) for name in ('score', 'coverage', 'precision', 'size', 'points')]


def most_probable_first(found: Sequence[list[PoseEstimate]], segments: Sequence[Segment],
                        references: Mapping[str, Reference], estimator: PoseEstimator,
                        scene_points: NDArray[np.floating]) -> list[list[PoseEstimate]]:
    """Return the estimates of each segment, those of which the pixels were judged by confidence.

    The FINALISTS get the scores and the features of their poses. The others keep their places.
    """
    finalists = [[estimate for estimate in estimates[:FINALISTS]
                  if estimate.pixel_features is not None] for estimates in found]
    owners = [row for row, chosen in enumerate(finalists) for _ in chosen]
    chosen = [estimate for row in finalists for estimate in row]
    judged = estimator.judge_batch(
        [segments[row].points for row in owners],
        [references[estimate.name] for estimate in chosen],
        [estimate.T_observation_reference for estimate in chosen],
        scene_points=scene_points, viewpoint=Viewpoint.SENSOR)
    results: list[list[PoseEstimate]] = [[] for _ in found]
    for row, before, after in zip(owners, chosen, judged):
        results[row].append(_with_points(before, after) if after else before)
    return [_ranked(_with_leads(first, rest)) + rest
            for first, rest in zip(results, (estimates[len(first):]
                                             for estimates, first in zip(found, results)))]


def _with_points(estimate: PoseEstimate, judged: PoseEstimate) -> PoseEstimate:
    """Return an estimate with what the points say of its pose."""
    assert estimate.features is not None
    assert judged.features is not None
    features = estimate.features.copy()
    features[OF_POINTS] = judged.features[OF_POINTS]
    return replace(estimate, features=features, score=judged.score, coverage=judged.coverage,
                   residual_m=judged.residual_m, inlier_share=judged.inlier_share)


def _with_leads(finalists: Sequence[PoseEstimate], others: Sequence[PoseEstimate]
                ) -> list[PoseEstimate]:
    """Return finalists with their leads on the best of all other references of the segment."""
    scores = [estimate.score for estimate in (*finalists, *others)]
    results = []
    for place, estimate in enumerate(finalists):
        best_other = max(scores[:place] + scores[place + 1:], default=0.0)
        features = np.array(estimate.features)
        features[LEAD] = np.clip(lead(np.array([estimate.score]), np.array([best_other])), 0, 1)[0]
        assert estimate.pixel_features is not None
        results.append(with_pixels(replace(estimate, features=features), estimate.pixel_features))
    return results


def _ranked(finalists: list[PoseEstimate]) -> list[PoseEstimate]:
    """Return finalists by confidence, with that of each among the labels of the others."""
    labels = {estimate.name: LabelHypothesis(
        name=estimate.name, confidence=estimate.confidence,
        T_observation_reference=estimate.T_observation_reference) for estimate in finalists}
    return sorted((replace(estimate, other_labels=tuple(
        labels.get(label.name, label) for label in estimate.other_labels))
        for estimate in finalists), key=lambda estimate: -estimate.confidence)
