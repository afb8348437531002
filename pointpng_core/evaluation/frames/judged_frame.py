"""A frame with its answer, its truth, and the verdicts on both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.evaluation.frames.answer import Answer
from pointpng_core.evaluation.frames.judge import FALSE, judge
from pointpng_core.evaluation.frames.losses import losses
from pointpng_core.evaluation.frames.surface import Surface
from pointpng_core.evaluation.frames.truth import Truth
from pointpng_core.io.bop import BopFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedFrame:
    """All that is known of a frame once it was processed.

    `verdicts` (P,) are those on the predictions, None where one was not accepted or there is no
    truth; `lost` (G,) says why a target was not found, None for found ones and for other objects.
    """

    frame: BopFrame
    depth_m: NDArray[np.float32]
    answer: Answer
    truths: Sequence[Truth]
    verdicts: tuple[str | None, ...]
    lost: Sequence[str | None]

    @property
    def has_truth(self) -> bool:
        """Return whether any object is annotated: without one, nothing can be judged."""
        return len(self.truths) > 0

    @property
    def line(self) -> str:
        """Return what was found, in words."""
        where = f'scene {self.frame.scene_id}, image {self.frame.image_id}'
        if not self.has_truth:
            return f'{where}: no truth'
        targets = sum(truth.target for truth in self.truths)
        missed = sum(loss is not None for loss in self.lost)
        false = self.verdicts.count(FALSE)
        return f'{where}: {targets - missed} of {targets} found, {false} false'

    @classmethod
    def of(cls, frame: BopFrame, depth_m: NDArray[np.float32], answer: Answer,
           truths: Sequence[Truth], surfaces: Mapping[str, Surface]) -> 'JudgedFrame':
        """Judge an answer; `surfaces` are those of all labels."""
        judgement = judge(answer.predictions, truths, surfaces)
        verdicts = judgement.verdicts if truths else (None,) * len(answer.predictions)
        return cls(frame=frame, depth_m=depth_m, answer=answer, truths=truths, verdicts=verdicts,
                   lost=losses(truths, answer, judgement))
