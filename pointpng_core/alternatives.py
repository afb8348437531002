"""What makes an estimate ambiguous: the other poses that explain the points about as well."""

from pointpng_core.estimate import Hypothesis, PoseEstimate
from pointpng_core.reference.reference import Reference
from pointpng_core.results import AS_GOOD, same_pose


def other_poses(estimate: PoseEstimate, reference: Reference) -> list[Hypothesis]:
    """Return the runners-up of an ambiguous estimate that are clearly other poses, best first.

    Each once, up to the symmetry of the reference; none where the estimate is not ambiguous.
    Those that are as good, or the best one: it made the estimate ambiguous, though a later look
    may tell the two apart. Empty as well where the points may rather be another object.
    """
    if not estimate.ambiguous:
        return []
    apart: list[Hypothesis] = [estimate]
    for other in estimate.runners_up:
        if not any(same_pose(other.T_observation_reference, known.T_observation_reference,
                             reference) for known in apart):
            apart.append(other)
    others = sorted(apart[1:], key=lambda other: -other.score)
    return [other for other in others if other.score >= AS_GOOD * estimate.score] or others[:1]
