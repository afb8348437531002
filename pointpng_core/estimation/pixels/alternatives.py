"""The poses among which the pixels decide: those that a search found, and those it confuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pointpng_core.estimation.pixels.evidence import PixelEvidence
from pointpng_core.estimation.types import Hypothesis, PoseEstimate
from pointpng_core.estimation.uncertainty.ambiguity import same_pose
from pointpng_core.reference.near_symmetry import fraction
from pointpng_core.reference.reference import Reference

LEAST_SCORE = 0.3
"""Segments whose best pose scores less are not judged: they are no object of the library."""
LABELS, POSES = 8, 3
"""References of a segment that are compared, and further poses of each of the best two."""
COMPARABLE = 0.25
"""Poses that score less than this share of the best one are not compared."""
LEAST_FOUND = 0.6
"""Share of the pixels that are not occluded which the best pose of a segment must explain; else
near symmetries do not make a right one of it."""

STEP_RAD, FRACTIONS = np.radians(15.0), (-0.5, -0.25, 0.25, 0.5)
"""Near symmetries of a smaller angle are steps of a continuous one, of which these are parts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rival:
    """A pose among those that may explain one segment."""

    segment: int
    estimate: PoseEstimate
    pose: Hypothesis


def compared(segment: int, estimates: Sequence[PoseEstimate]) -> list[Rival]:
    """Return the poses of a segment that are compared."""
    if not estimates or estimates[0].score < LEAST_SCORE:
        return []
    least = COMPARABLE * estimates[0].score
    rivals = []
    for place, estimate in enumerate(estimates[:LABELS]):
        poses: list[Hypothesis] = [estimate]
        if place < 2:
            poses += estimate.runners_up[:POSES]
        rivals += [Rival(segment=segment, estimate=estimate, pose=pose) for pose in poses
                   if pose.score >= least]
    return rivals


def turned(rivals: Sequence[Rival], evidence: PixelEvidence, references: Mapping[str, Reference]
           ) -> list[Rival]:
    """Return what near symmetries make of the best supported pose of each segment."""
    support, found, occluded = (values.cpu().numpy() for values in (
        evidence.support, evidence.found, evidence.occluded))
    best: dict[int, int] = {}
    for row in np.argsort(-support, kind='stable').tolist():
        best.setdefault(rivals[row].segment, row)
    rows = [row for row in sorted(best.values())
            if found[row] >= LEAST_FOUND * (1 - occluded[row])]
    return [_moved(rivals[row], motion) for row in rows
            for motion in references[rivals[row].estimate.name].near_symmetries]


def finer(rival: Rival, references: Mapping[str, Reference]) -> list[Rival]:
    """Return a rival, and what fractions of the smallest near symmetry make of it.

    What few pixels determine is not refined by the others, and near symmetries are steps.
    """
    motions = references[rival.estimate.name].near_symmetries
    smallest = motions[np.trace(motions[:, :3, :3], axis1=1, axis2=2).argmax()]
    if np.trace(smallest[:3, :3]) < 1 + 2 * np.cos(STEP_RAD):
        return [rival]
    return [rival, *(_moved(rival, fraction(smallest, share)) for share in FRACTIONS)]


def new_among(found: Sequence[Rival], known: Sequence[Rival], references: Mapping[str, Reference]
              ) -> list[int]:
    """Return which of the found poses are neither among the known ones nor found before."""
    kept: list[int] = []
    for row, rival in enumerate(found):
        others = [*known, *(found[other] for other in kept)]
        if not any(same(rival, other, references) for other in others):
            kept.append(row)
    return kept


def scored(found: Sequence[Rival], evidence: PixelEvidence, known: Sequence[Rival],
           known_evidence: PixelEvidence) -> list[Rival]:
    """Return found poses whose scores are less by as much as their support is than the best one's.

    They have those of the poses that were turned: no search gave them one.
    """
    best: dict[int, float] = {}
    for rival, support in zip(known, known_evidence.support.tolist()):
        best[rival.segment] = max(support, best.get(rival.segment, 1.0))
    shares = [min(max(support / best[rival.segment], 0.0), 1.0)
              for rival, support in zip(found, evidence.support.tolist())]
    return [replace(rival, pose=replace(rival.pose, score=share * rival.pose.score))
            for rival, share in zip(found, shares)]


def same(first: Rival, second: Rival, references: Mapping[str, Reference]) -> bool:
    """Return whether two rivals are one pose of one reference for the same segment."""
    name = first.estimate.name
    return first.segment == second.segment and name == second.estimate.name and same_pose(
        first.pose.T_observation_reference, second.pose.T_observation_reference,
        references[name])


def _moved(rival: Rival, motion: np.ndarray) -> Rival:
    pose = rival.pose
    T = pose.T_observation_reference @ motion
    return replace(rival, pose=replace(pose, T_observation_reference=T))
