"""Why a target was not found: the first step of the method that lost it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.evaluation.frames.answer import Answer
from pointpng_core.evaluation.frames.judge import RIGHT_ADD_S, Judgement
from pointpng_core.evaluation.frames.truth import Rows, Truth

MIN_IOU = 0.5
"""A segment is that of an object from this intersection over union of pixels on: the convention of
PASCAL VOC (Everingham 2010), not a value chosen on data."""
REJECTED, NO_SEGMENT, NOT_POSED, MISTAKEN_LABEL, WRONG_POSE, NO_MASK = (
    'rejected', 'no_segment', 'not_posed', 'mistaken_label', 'wrong_pose', 'no_mask')
LOSSES = (NO_SEGMENT, NOT_POSED, MISTAKEN_LABEL, WRONG_POSE, REJECTED, NO_MASK)


def losses(truths: Sequence[Truth], answer: Answer, judgement: Judgement) -> list[str | None]:
    """Return for each true pose (G,) why it was not found; None for others than lost targets.

    REJECTED: some segment has the right pose, which was not accepted. NO_SEGMENT: no segment
    overlaps the object's visible mask by MIN_IOU. NOT_POSED: one does, but was merged with others,
    is a duplicate of a better one, is not among those that are posed, or has no pose.
    MISTAKEN_LABEL, WRONG_POSE: the pose of the segment that overlaps it most is of another object,
    or of this one but not right. NO_MASK: the dataset has no mask to compare segments with.
    """
    return [_loss(column, truth, answer, judgement)
            if truth.target and not judgement.found[column] else None
            for column, truth in enumerate(truths)]


def _loss(column: int, truth: Truth, answer: Answer, judgement: Judgement) -> str:
    right = judgement.add_s[:, column] < RIGHT_ADD_S
    if any(right[row] and not found.accepted for row, found in enumerate(answer.predictions)):
        return REJECTED
    if truth.mask is None:
        return NO_MASK
    posed = _overlaps(truth.mask, [found.rows for found in answer.predictions])
    if posed.max(initial=0.0) < MIN_IOU:
        others = _overlaps(truth.mask, answer.other_segments)
        return NO_SEGMENT if others.max(initial=0.0) < MIN_IOU else NOT_POSED
    best = answer.predictions[int(posed.argmax())]
    return WRONG_POSE if best.label == truth.label else MISTAKEN_LABEL


def _overlaps(mask: Rows, segments: Sequence[Rows]) -> NDArray[np.float64]:
    """Return the IoU (S,) of a mask and segments, all given as distinct rows."""
    shared = np.array([len(np.intersect1d(mask, rows, assume_unique=True)) for rows in segments])
    sizes = np.array([len(rows) for rows in segments])
    return np.asarray(shared / np.maximum(len(mask) + sizes - shared, 1), dtype=np.float64)
