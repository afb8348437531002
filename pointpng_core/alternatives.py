"""What makes an estimate ambiguous: the other poses that explain the points about as well."""

from pointpng_core.estimate import Hypothesis, PoseEstimate
from pointpng_core.reference.reference import Reference
from pointpng_core.results import AS_GOOD, same_pose


def other_poses(estimate: PoseEstimate, reference: Reference) -> list[Hypothesis]:
    """Return the runners-up of an ambiguous estimate that are clearly other poses, best first.

    Each once, up to the symmetry of the reference; none where the estimate is not ambiguous.
    Those that are as good, or the best one: it made the estimate ambiguous, though a later look
    may tell the two apart. Where none is clearly another, a better one nearby, if a search found
    that. Empty where the points may rather be another object.
    """
    if not estimate.ambiguous:
        return []
    apart: list[Hypothesis] = [estimate]
    for other in estimate.runners_up:
        if not any(same_pose(other.T_observation_reference, known.T_observation_reference,
                             reference) for known in apart):
            apart.append(other)
    others = sorted(apart[1:], key=lambda other: -other.score)
    as_good = [other for other in others if other.score >= AS_GOOD * estimate.score]
    better = [other for other in estimate.runners_up if other.score > estimate.score]
    return as_good or others[:1] or better[:1]
