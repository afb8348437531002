"""Records what arrived for each stamp of a cloud, and which clouds the node processed."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pointpng_ros.demo.scoring import ObjectPose

REPEAT_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A segment without an accepted pose: what it was taken for and why not, and its centre."""

    text: str
    centre_m: tuple[float, float, float]


@dataclass(kw_only=True)
class FrameRecord:
    """All that arrived with one stamp.

    `processed_s` is when its markers came (monotonic clock), None while they have not: without
    markers the node has not processed this cloud. `hidden` are objects of the world that are not
    in view, where the camera publishes them. `segments` are points (N, 3) of the segment of
    each detection, in the order of `detections`. `refused` are segments without an accepted pose.
    """

    stamp_ns: int
    truths: list[ObjectPose] = field(default_factory=list)
    hidden: list[ObjectPose] = field(default_factory=list)
    detections: list[ObjectPose] = field(default_factory=list)
    segments: list[NDArray[np.float32]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    processed_s: float | None = None
    end_to_end_ms: float = float('nan')


class FrameLog:
    """Records by stamp; topics may deliver in any order, and a looped bag repeats its stamps."""

    def __init__(self) -> None:
        self._records: dict[int, FrameRecord] = {}
        self._past: list[FrameRecord] = []

    def at(self, stamp_ns: int, now_s: float) -> FrameRecord:
        """Return the record of a stamp at a time of the monotonic clock; made if it is new."""
        record = self._records.get(stamp_ns)
        if record and record.processed_s and now_s - record.processed_s > REPEAT_S:
            self._past.append(record)
            record = None
        if record is None:
            record = self._records[stamp_ns] = FrameRecord(stamp_ns=stamp_ns)
        return record

    def processed(self, *, before_s: float = float('inf')) -> list[FrameRecord]:
        """Return the clouds whose markers arrived before `before_s`, in order of arrival.

        Leave the slower topics a moment: a pose may arrive after the markers of its cloud.
        """
        done = [(record.processed_s, record) for record in [*self._past, *self._records.values()]
                if record.processed_s is not None and record.processed_s < before_s]
        return [record for _, record in sorted(done, key=lambda pair: pair[0])]
