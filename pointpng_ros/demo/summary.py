"""The figures of a whole run, as they are printed and as they are kept in JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pointpng_ros.demo.scoring import FrameScore, ObjectScore

Summary = dict[str, Any]
OUTCOMES = ('posed', 'inaccurate', 'mistaken', 'missed')


def summarise(frames: Sequence[FrameScore], end_to_end_ms: Sequence[float], *,
              seconds: float, pass_share: float, right_share: float = 0.0) -> Summary:
    """Return the figures of a run with truth; null where there is nothing to average.

    frames: frames the node processed; frames_per_second; objects_in_view: objects summed over
    these frames; posed, inaccurate, mistaken, missed: how many of them were within both limits,
    right in label only, taken for another object, not found; posed_share; label_accuracy: share of
    right labels among those found; rotation_error_{median,p95}_deg,
    translation_error_{median,p95}_mm: over the rightly labelled.
    published: poses, also of objects that do not count as in view, and where no object is; right,
    wrong: how many of them are within both limits under the right label, and are not; right_share;
    extra_detections: those where no object is, or one that another pose shows already.
    passed: posed_share and right_share reach the demanded shares; end_to_end_ms_{p50,p95}: from
    the stamp of a cloud to the arrival of its markers; objects: the figures for each object.
    """
    scores = [score for frame in frames for score in frame.objects]
    found = [score for frame in frames for score in frame.found]
    extra = sum(len(frame.extra) for frame in frames)
    figures = {**_figures(scores), **_precision(found, extra)}
    return {'frames': len(frames), 'frames_per_second': len(frames) / max(seconds, 1e-9),
            **figures, 'passed': _reached(figures, posed_share=pass_share,
                                          right_share=right_share),
            'extra_detections': extra, **latency(end_to_end_ms),
            'objects': _by_object(scores, found)}


def _reached(figures: Summary, **shares: float) -> bool:
    """Return whether every figure is at least a share; one of nothing is not."""
    return all(figures[name] is not None and figures[name] >= share
               for name, share in shares.items())


def latency(end_to_end_ms: Sequence[float]) -> Summary:
    """Return the median and 95th percentile of the end-to-end milliseconds."""
    return {'end_to_end_ms_p50': quantile(end_to_end_ms, 0.5),
            'end_to_end_ms_p95': quantile(end_to_end_ms, 0.95)}


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile of the finite values; None when there is none."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.quantile(finite, share)) if finite else None


def _by_object(scores: Sequence[ObjectScore], found: Sequence[ObjectScore]) -> list[Summary]:
    frames = sorted({score.frame for score in (*scores, *found)})
    return [{'object': frame, **_figures([score for score in scores if score.frame == frame]),
             **_precision([score for score in found if score.frame == frame])}
            for frame in frames]


def _precision(found: Sequence[ObjectScore], extra: int = 0) -> Summary:
    """Return how many of the published poses are right: of objects, and of no object."""
    published, right = len(found) + extra, sum(score.posed for score in found)
    return {'published': published, 'right': right, 'wrong': published - right,
            'right_share': right / published if published else None}


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
