"""Selection between the tracked pose and those a search found: hysteresis against flips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.confidence import FEATURES, default_calibration
from pointpng_core.estimation.pixels.ranking import ALTERNATIVES, with_pixels
from pointpng_core.estimation.registration.local_refinement import drift, nearest_equal
from pointpng_core.estimation.types import Hypothesis, LabelHypothesis, PoseEstimate
from pointpng_core.estimation.uncertainty.ambiguity import same_pose
from pointpng_core.reference.reference import Reference

Matrix = NDArray[np.float64]
ALTERNATIVE_FEATURES = [FEATURES.index(name) for name in ('margin', 'lead')]


def nearest_comparable(found: Sequence[PoseEstimate], reference: Reference, T_expected: Matrix, *,
                       hysteresis_ratio: float) -> PoseEstimate | None:
    """Return the estimate of a reference nearest to its expected pose among the best ones.

    The candidates are its poses, runners-up included, that explain at least `hysteresis_ratio`
    times as much as the best of the `found`, which may be of other references. None when there is
    no candidate: the object is another one. Symmetric equals count as one pose.
    """
    own = _named(reference.name, found)
    if own is None or own.score < hysteresis_ratio * found[0].score:
        return None
    poses: list[Hypothesis] = [own, *(pose for pose in own.runners_up
                                      if pose.score >= hysteresis_ratio * found[0].score)]
    nearest = [nearest_equal(pose.T_observation_reference, reference, T_expected)
               for pose in poses]
    index = int(np.argmin([_distance(T, T_expected, reference) for T in nearest]))
    chosen = replace(own, T_observation_reference=nearest[index])
    if index == 0:
        return chosen
    others = (own, *(pose for pose in own.runners_up if pose is not poses[index]))
    return replace(chosen, score=poses[index].score, residual_m=poses[index].residual_m,
                   inlier_share=poses[index].inlier_share, coverage=poses[index].coverage,
                   runners_up=others)


def kept(tracked: PoseEstimate, found: Sequence[PoseEstimate], *, hysteresis_ratio: float
         ) -> PoseEstimate | None:
    """Return the tracked pose if it explains nearly as much as the best found, else None."""
    if not found:
        return tracked
    if tracked.score < hysteresis_ratio * found[0].score:
        return None
    own = _named(tracked.name, found)
    if own is None:
        return tracked
    return replace(with_alternatives(tracked, own, known=tracked),
                   runners_up=(own, *own.runners_up))


def refined(tracked: PoseEstimate, found: Sequence[PoseEstimate], reference: Reference
            ) -> PoseEstimate | None:
    """Return the best of the `found` if it is the tracked pose, more accurately registered.

    Otherwise None. Among symmetric equals the one nearest to the tracked pose is returned.
    """
    best, T = found[0], tracked.T_observation_reference
    if best.name != tracked.name or not same_pose(best.T_observation_reference, T, reference):
        return None
    return replace(best, T_observation_reference=nearest_equal(best.T_observation_reference,
                                                               reference, T))


def contradicted(tracked: PoseEstimate, found: Sequence[PoseEstimate]) -> PoseEstimate:
    """Return a tracked pose that a search contradicts, as ambiguous, with the poses `found`."""
    own = _named(tracked.name, found)
    if own:
        return replace(tracked, ambiguous=True, runners_up=(own, *own.runners_up),
                       other_labels=own.other_labels)
    best = LabelHypothesis(name=found[0].name, confidence=found[0].confidence,
                           T_observation_reference=found[0].T_observation_reference)
    return replace(tracked, ambiguous=True, other_labels=(best, *found[0].other_labels))


def with_alternatives(tracked: PoseEstimate, searched: PoseEstimate, *,
                      known: PoseEstimate | None = None) -> PoseEstimate:
    """Return a tracked pose with the alternatives that a search found, and its confidence.

    Margins over alternatives that an earlier search measured (`known`) are kept where they are
    larger: a handle that was visible still determines the pose while it is hidden, though other
    poses fit as well now.
    """
    if tracked.features is None or searched.features is None:
        return replace(tracked, ambiguous=searched.ambiguous, runners_up=searched.runners_up,
                       other_labels=searched.other_labels)
    features, alternatives = tracked.features.copy(), searched.features[ALTERNATIVE_FEATURES]
    if known is not None and known.features is not None:
        alternatives = np.maximum(alternatives, known.features[ALTERNATIVE_FEATURES])
    features[ALTERNATIVE_FEATURES] = alternatives
    confidence = default_calibration().probability(features[None], kind=tracked.kind)[0]
    moved = replace(tracked, ambiguous=searched.ambiguous, runners_up=searched.runners_up,
                    other_labels=searched.other_labels, features=features,
                    confidence=float(confidence))
    if searched.pixel_features is None:
        return moved
    # Until the pixels at the tracked pose are judged, those at the searched one stand for them.
    pixels = searched.pixel_features.copy()
    if known is not None and known.pixel_features is not None:
        pixels[ALTERNATIVES] = np.maximum(pixels, known.pixel_features)[ALTERNATIVES]
    return with_pixels(moved, pixels)


def _named(name: str, found: Sequence[PoseEstimate]) -> PoseEstimate | None:
    """Return the first estimate of a reference, which is its best."""
    return next((estimate for estimate in found if estimate.name == name), None)


def _distance(T: Matrix, T_expected: Matrix, reference: Reference) -> float:
    """Return the sum of rotation (radians) and translation (diameters) between two poses."""
    rotation_rad, shift_m = drift(T, T_expected, reference)
    return rotation_rad + shift_m / reference.diameter_m
