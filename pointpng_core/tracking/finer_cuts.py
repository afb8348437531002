"""Finer cuts of what no pose explains: two objects whose common edge is weak, for instance.

Edges of depth that are as weak would cut many objects that are posed well as they are, so they
are used only where recognition has failed.
"""

from collections.abc import Sequence

import numpy as np

from pointpng_core.segmentation import (
    Segment,
    SegmenterConfig,
    segment_finer,
    smoothed_image,
)
from pointpng_core.segmentation.depth_edges import SmoothedDepth
from pointpng_core.tracking.frame import Frame
from pointpng_core.tracking.frame_explanation import FrameExplanation
from pointpng_core.tracking.frame_tracker import Search
from pointpng_core.tracking.measurement import Measurement

LEAST_CONFIDENCE = 0.5
"""Segments whose poses are less confident are cut."""
EDGES = (1.0, 0.4)
"""Shares of the configured edges at which they are cut, one after the other. Chosen on simulated
clutter of the 25 objects of the shared frames, other seeds."""
PROBED_POINTS = 4
"""Every so many points of a part suffice to measure its size."""
SAME_SHARE = 0.8
"""A part that shares this much with a segment is the segment, and has been searched."""


def cut_finer(measurements: Sequence[Measurement], explanation: FrameExplanation, frame: Frame,
              search: Search, *, segmenter: SegmenterConfig, max_parts: int, largest_m: float
              ) -> list[Measurement]:
    """Return measurements of the parts of all foreground that no sure pose explains.

    Each of the EDGES gives `max_parts` at most, none larger than `largest_m`. Only organised
    clouds are cut, and none with `SegmenterConfig.split` False; others give no measurement.
    """
    if frame.image_shape is None or not segmenter.split:
        return []
    cut: list[Measurement] = []
    smoothed: SmoothedDepth | None = None
    for share in EDGES:
        known = (*measurements, *cut)
        rows = explanation.rest([measurement for measurement in known
                                 if not _is_doubtful(measurement)])
        if len(rows) < segmenter.min_segment_points:
            break
        smoothed = smoothed or smoothed_image(frame.points, frame.image_shape, config=segmenter,
                                              depth_noise=frame.depth_noise)
        parts = segment_finer(frame.points, smoothed, rows, share=share, config=segmenter)
        tried = [measurement.segment for measurement in known]
        new = [part for part in parts if _fits(part, largest_m)
               and _is_new(part, tried, len(frame.points))][:max_parts]
        cut += [Measurement(segment=part, estimate=found[0] if found else None, searched=True)
                for part, found in zip(new, search(new))]
    return cut


def _is_doubtful(measurement: Measurement) -> bool:
    return measurement.searched and measurement.track is None and (
        measurement.estimate is None or measurement.estimate.confidence < LEAST_CONFIDENCE)


def _fits(part: Segment, largest_m: float) -> bool:
    """Return whether a part is not larger than the largest object, along any axis."""
    return bool(np.ptp(part.points[::PROBED_POINTS], axis=0).max() <= largest_m)


def _is_new(part: Segment, segments: Sequence[Segment], size: int) -> bool:
    """Return whether no segment is the same; `size` is the number of rows of the cloud."""
    own = np.zeros(size, dtype=bool)
    own[part.indices] = True
    for segment in segments:
        both = np.count_nonzero(own[segment.indices])
        if both >= SAME_SHARE * (len(part.indices) + len(segment.indices) - both):
            return False
    return True
