"""What makes an estimate ambiguous: the other poses that explain the points about as well."""

from collections.abc import Sequence

from pointpng_core.estimation.summary import AS_GOOD, same_pose
from pointpng_core.estimation.types import Hypothesis, PoseEstimate
from pointpng_core.reference.reference import Reference


def other_poses(estimate: PoseEstimate, reference: Reference) -> list[Hypothesis]:
    """Return the runners-up of an ambiguous estimate that are clearly other poses, best first.

    Each once, up to the symmetry of the reference; none where the estimate is not ambiguous.
    Those that are as good, or the best runner-up of all: it made the estimate ambiguous, though a
    later look may tell the two apart, or lies nearby, if a followed pose is between others. So
    whoever reads only these sees every doubt.
    """
    if not estimate.ambiguous:
        return []
    apart: list[Hypothesis] = [estimate]
    for other in estimate.runners_up:
        if not any(same_pose(other.T_observation_reference, known.T_observation_reference,
                             reference) for known in apart):
            apart.append(other)
    as_good = [other for other in _best_first(apart[1:])
               if other.score >= AS_GOOD * estimate.score]
    return as_good or _best_first(estimate.runners_up)[:1]


def _best_first(poses: Sequence[Hypothesis]) -> list[Hypothesis]:
    return sorted(poses, key=lambda pose: -pose.score)
