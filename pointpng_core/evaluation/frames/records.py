"""What is kept of a judged frame, and the figures of many: the memory of a long run stays flat."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pointpng_core.evaluation.frames.judge import FALSE, RIGHT, VERDICTS
from pointpng_core.evaluation.frames.losses import LOSSES
from pointpng_core.evaluation.pose.bop_recall import PairErrors, average_recall

VISIBLE_EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
UNKNOWN_VISIBLE = 'unknown'


@dataclass(frozen=True, kw_only=True)
class TargetRecord:
    """One object that had to be found."""

    visible_fraction: float | None
    loss: str | None
    """Why it was not found, as in `losses`; None for a found one."""

    @property
    def found(self) -> bool:
        """Return whether an accepted pose was right."""
        return self.loss is None


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameRecord:
    """One frame; without truth it has times, and nothing else."""

    scene_id: int
    image_id: int
    judged: bool
    stage_ms: dict[str, float]
    verdicts: tuple[str, ...] = ()
    """Of the accepted poses."""
    targets: tuple[TargetRecord, ...] = ()
    pairs: tuple[PairErrors, ...] = ()
    """Errors of the poses, accepted or not, of each label that is a target: as many as targets,
    the most confident."""


def summary(records: Sequence[FrameRecord]) -> dict[str, Any]:
    """Return the figures of frames; shares are None where there is nothing to count.

    `pointpng_core.cli.evaluate.bop` documents the keys.
    """
    judged = [record for record in records if record.judged]
    targets = [target for record in judged for target in record.targets]
    verdicts = Counter(verdict for record in judged for verdict in record.verdicts)
    right, false = verdicts[RIGHT], verdicts[FALSE]
    recalls = average_recall([pair for record in judged for pair in record.pairs])
    asked = recalls.targets > 0
    stage_ms = stage_medians(records)
    return {
        'recall': _share(target.found for target in targets),
        'precision': right / (right + false) if right + false else None,
        'false': false, 'accepted': verdicts.total(), 'objects': len(targets),
        'ar': recalls.average if asked else None,
        'ms_median': stage_ms.get('total'),
        'by_visible': by_visible(targets),
        'lost': _counts((target.loss for target in targets), LOSSES),
        'verdicts': {verdict: verdicts[verdict] for verdict in VERDICTS},
        'false_per_frame': false / len(judged) if judged else None,
        'mssd': recalls.mssd if asked else None, 'mspd': recalls.mspd if asked else None,
        'vsd': recalls.vsd if asked else None,
        'frames': len(records), 'judged_frames': len(judged),
        'stage_ms': stage_ms}


def by_visible(targets: Sequence[TargetRecord]) -> dict[str, dict[str, Any]]:
    """Return recall and number of the targets by visible fraction, for bins that have some."""
    bins: dict[str, list[bool]] = {}
    for target in sorted(targets, key=lambda each: each.visible_fraction or 0.0):
        bins.setdefault(_bin(target.visible_fraction), []).append(target.found)
    return {name: {'recall': _share(found), 'objects': len(found)}
            for name, found in bins.items()}


def stage_medians(records: Sequence[FrameRecord]) -> dict[str, float]:
    """Return the median milliseconds of each stage; a stage that a frame lacks took none.

    Frames with nothing to do do not count.
    """
    timed = [record.stage_ms for record in records if record.stage_ms]
    stages = dict.fromkeys(stage for stage_ms in timed for stage in stage_ms)
    return {stage: float(np.median([stage_ms.get(stage, 0.0) for stage_ms in timed]))
            for stage in stages}


def _bin(fraction: float | None) -> str:
    if fraction is None:
        return UNKNOWN_VISIBLE
    upper = int(np.searchsorted(VISIBLE_EDGES[1:-1], fraction, side='right')) + 1
    return f'{VISIBLE_EDGES[upper - 1]:.1f}-{VISIBLE_EDGES[upper]:.1f}'


def _counts(found: Any, names: Sequence[str]) -> dict[str, int]:
    counts = Counter(found)
    return {name: counts[name] for name in names}


def _share(flags: Any) -> float | None:
    values = list(flags)
    return sum(values) / len(values) if values else None
