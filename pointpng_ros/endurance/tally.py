"""Sums up the scored frames of a run: false poses, changes of identity, ages."""

from collections.abc import Mapping, Sequence
import dataclasses
from dataclasses import dataclass, field

from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.scoring import FrameScore, Limits, ObjectScore, ScoredModel, score_frame


@dataclass(kw_only=True)
class Tally:
    """Accumulates frame after frame of scene after scene.

    A pose is *false* when nothing of its label is there, in view or hidden, within `false_limits`.
    A *swap* is a change of the identity (LABEL_INDEX) that an object is published under.
    """

    models: Mapping[str, ScoredModel]
    limits: Limits
    false_limits: Limits
    frames: list[FrameScore] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    poses: int = 0
    false: int = 0
    swaps: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    def begin_scene(self) -> None:
        """Forget all identities: the next frames show other objects."""
        self._names.clear()

    def add(self, record: FrameRecord) -> None:
        """Score a processed frame."""
        score = score_frame(record.truths, record.detections, self.models, self.limits,
                            hidden=record.hidden)
        self.frames.append(score)
        self.ages_ms.append(record.end_to_end_ms)
        self.poses += len(record.detections)
        self.false += self._false(record)
        self.swaps += self._swaps(score.objects)

    def _false(self, record: FrameRecord) -> int:
        score = score_frame(record.truths, record.detections, self.models, self.false_limits,
                            hidden=record.hidden)
        return score.published - score.right

    def _swaps(self, objects: Sequence[ObjectScore]) -> int:
        names = {one.frame: one.found_frame for one in objects
                 if one.found_frame and one.detected_as == one.label}
        swaps = sum(self._names.get(frame, name) != name for frame, name in names.items())
        self._names.update(names)
        return swaps


def widened(limits: Limits, factor: float) -> Limits:
    """Return the limits multiplied by a factor."""
    return Limits(**{name: value * factor for name, value in dataclasses.asdict(limits).items()})
