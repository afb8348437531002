"""Right and false poses of a frame at the default confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.evaluation.frames.answer import Prediction
from pointpng_core.evaluation.frames.surface import Surface
from pointpng_core.evaluation.frames.truth import Truth

RIGHT_ADD_S, FALSE_ADD_S = 0.05, 0.10
"""In diameters. A pose between them is neither right nor false."""
RIGHT, NOT_A_TARGET, NEAR, DUPLICATE, FALSE = (
    'right', 'not_a_target', 'near', 'duplicate', 'false')
VERDICTS = (RIGHT, NOT_A_TARGET, NEAR, DUPLICATE, FALSE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """The verdict on each prediction, None for those not accepted, and what was found.

    `add_s` (P, G) is that of each prediction against each true pose, in diameters, infinite where
    the labels differ; `found` (G,) tells which true poses were matched.
    """

    verdicts: tuple[str | None, ...]
    add_s: NDArray[np.float64]
    found: NDArray[np.bool_]


def judge(predictions: Sequence[Prediction], truths: Sequence[Truth],
          surfaces: Mapping[str, Surface]) -> Judgement:
    """Judge the accepted poses of a frame, the most confident first.

    RIGHT: ADD-S below RIGHT_ADD_S against a target of the label that is not matched yet; the
    nearest one is matched. NOT_A_TARGET: the same for an object that need not be found. DUPLICATE:
    only a matched one is so near. NEAR: only below FALSE_ADD_S. FALSE: no object of the label,
    however little of it is visible, is as near as that.
    """
    add_s = _distances(predictions, truths, surfaces)
    found = np.zeros(len(truths), dtype=bool)
    verdicts: list[str | None] = [None] * len(predictions)
    order = sorted((row for row, each in enumerate(predictions) if each.accepted),
                   key=lambda row: -predictions[row].confidence)
    for row in order:
        open_to = np.where(found, np.inf, add_s[row])
        nearest = int(open_to.argmin()) if len(truths) else -1
        if len(truths) and open_to[nearest] < RIGHT_ADD_S:
            found[nearest] = True
            verdicts[row] = RIGHT if truths[nearest].target else NOT_A_TARGET
        else:
            verdicts[row] = _unmatched(float(add_s[row].min(initial=np.inf)))
    return Judgement(verdicts=tuple(verdicts), add_s=add_s, found=found)


def _unmatched(least_add_s: float) -> str:
    if least_add_s < RIGHT_ADD_S:
        return DUPLICATE
    return NEAR if least_add_s < FALSE_ADD_S else FALSE


def _distances(predictions: Sequence[Prediction], truths: Sequence[Truth],
               surfaces: Mapping[str, Surface]) -> NDArray[np.float64]:
    add_s = np.full((len(predictions), len(truths)), np.inf)
    for row, found in enumerate(predictions):
        for column, truth in enumerate(truths):
            if found.label == truth.label:
                add_s[row, column] = surfaces[found.label].add_s(found.T_camera_object,
                                                                 truth.T_camera_object)
    return add_s
