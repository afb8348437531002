"""The figures of a whole run, as they are printed and as they are kept in JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pointpng_ros.demo.scoring import FrameScore, ObjectScore

Summary = dict[str, Any]
OUTCOMES = ('posed', 'inaccurate', 'mistaken', 'missed')


def summarise(frames: Sequence[FrameScore], end_to_end_ms: Sequence[float], *,
              seconds: float, pass_share: float) -> Summary:
    """Return the figures of a run with truth; null where there is nothing to average.

    frames: frames the node processed; frames_per_second; objects_in_view: objects summed over
    these frames; posed, inaccurate, mistaken, missed: how many of them were within both limits,
    right in label only, taken for another object, not found; posed_share; passed: posed_share
    reaches the demanded share; label_accuracy: share of right labels among those found;
    rotation_error_{median,p95}_deg, translation_error_{median,p95}_mm: over the rightly labelled;
    extra_detections: detections where no object in view is; end_to_end_ms_{p50,p95}: from the
    stamp of a cloud to the arrival of its markers; objects: the same figures for each object.
    """
    scores = [score for frame in frames for score in frame.objects]
    figures = _figures(scores)
    return {'frames': len(frames), 'frames_per_second': len(frames) / max(seconds, 1e-9),
            **figures, 'passed': bool(scores) and figures['posed_share'] >= pass_share,
            'extra_detections': sum(len(frame.extra) for frame in frames),
            **latency(end_to_end_ms), 'objects': _by_object(scores)}


def latency(end_to_end_ms: Sequence[float]) -> Summary:
    """Return the median and 95th percentile of the end-to-end milliseconds."""
    return {'end_to_end_ms_p50': quantile(end_to_end_ms, 0.5),
            'end_to_end_ms_p95': quantile(end_to_end_ms, 0.95)}


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile of the finite values; None when there is none."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.quantile(finite, share)) if finite else None


def _by_object(scores: Sequence[ObjectScore]) -> list[Summary]:
    frames = sorted({score.frame for score in scores})
    return [{'object': frame, **_figures([score for score in scores if score.frame == frame])}
            for frame in frames]


def _figures(scores: Sequence[ObjectScore]) -> Summary:
    counts = {outcome: sum(score.outcome == outcome for score in scores) for outcome in OUTCOMES}
    found = [score for score in scores if score.detected_as is not None]
    right = sum(score.detected_as == score.label for score in found)
    rotations = [score.rotation_error_deg for score in scores]
    translations = [score.translation_error_mm for score in scores]
    return {'objects_in_view': len(scores), **counts,
            'posed_share': counts['posed'] / len(scores) if scores else None,
            'label_accuracy': right / len(found) if found else None,
            'rotation_error_median_deg': quantile(rotations, 0.5),
            'rotation_error_p95_deg': quantile(rotations, 0.95),
            'translation_error_median_mm': quantile(translations, 0.5),
            'translation_error_p95_mm': quantile(translations, 0.95)}
