"""Objects that segmentation took apart: a union of neighbours that one reference explains better.

A crease between the body and the battery of a drill looks like one between two objects, and an
occluder cuts what is behind it in two. Shape alone cannot tell; recognition can.
"""

from collections.abc import Sequence

from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.segmentation import Segment
from pointpng_core.segmentation.unions import Group


def better_groups(segments: Sequence[Segment], estimates: Sequence[list[PoseEstimate]],
                  groups: Sequence[Group], joint: Sequence[list[PoseEstimate]], *,
                  least_confidence: float) -> list[int]:
    """Return which groups explain more points than their parts do, best first, none overlapping.

    What a pose explains is its score times its points; one that is less sure explains nothing.
    """
    def explained(found: list[PoseEstimate], size: int) -> float:
        return found[0].score * size \
            if found and found[0].confidence >= least_confidence else 0.0

    sizes = [len(segment.points) for segment in segments]
    gains = [explained(found, sum(sizes[index] for index in group))
             - sum(explained(estimates[index], sizes[index]) for index in group)
             for group, found in zip(groups, joint)]
    chosen: list[int] = []
    used: set[int] = set()
    for index in sorted(range(len(gains)), key=lambda index: -gains[index]):
        if gains[index] > 0 and used.isdisjoint(groups[index]):
            used.update(groups[index])
            chosen.append(index)
    return chosen
