"""Which poses are determined by what is seen, and which might as well be others nearby.

Of a mug whose handle is hidden everything fits, and so it does a good turn further.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.uncertainty.observability import Observability, pose_observability
from pointpng_core.estimator import PoseEstimator
from pointpng_core.tracking.frame_tracker import Measurement
from pointpng_core.tracking.tracks import Track

STEP = 0.35
"""How far a pose is moved to see whether that is noticed, in half diameters: 20 degrees."""
NOTICED = 0.1
"""Share of its score that a pose which is determined loses by being moved so far."""
FIRMLY = 2.0
"""Times the least hold with which a pose is remembered while nothing holds it any more."""


def determine(estimator: PoseEstimator, measurements: Sequence[Measurement],
              things: Sequence[Track], scene_points: NDArray[np.floating], *,
              min_observability: float) -> None:
    """Tell every object of a frame whether its pose is determined (`Track.determined`).

    It is where what is seen holds it in all directions, or was held firmly and has been followed
    since, or explains less when it is moved where it is held least; all are for a `min_observability` of
    0. `scene_points` are those of `PoseEstimator.estimate_batch`.
    """
    if not min_observability:
        for thing in things:
            thing.determined = True
        return
    open_ones: list[tuple[Measurement, Track, Observability]] = []
    for measurement, thing in zip(measurements, things):
        assert measurement.estimate, 'only posed sightings have objects'
        hold = pose_observability(measurement.estimate.T_observation_reference, measurement.segment.points,
                         thing.reference)
        remembered = measurement.tracked and thing.firm
        thing.firm = remembered or hold.share >= FIRMLY * min_observability
        thing.determined = remembered or hold.share >= min_observability
        if not thing.determined:
            open_ones.append((measurement, thing, hold))
    for (_, thing, _), lost in zip(open_ones, _losses(estimator, open_ones, scene_points)):
        thing.determined = bool(lost >= NOTICED)


def _losses(estimator: PoseEstimator, moved: Sequence[tuple[Measurement, Track, Observability]],
            scene_points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return which share of its score each pose loses, moved to the side where it loses less.

    The edges of what is seen tell here as well, which `Observability` knows nothing of.
    """
    points, references, poses = [], [], []
    for measurement, thing, hold in moved:
        assert measurement.estimate
        T = measurement.estimate.T_observation_reference
        poses += [hold.moved(T, thing.reference, step=step) for step in (0.0, STEP, -STEP)]
        points += 3 * [measurement.segment.points]
        references += 3 * [thing.reference]
    scores = np.reshape(estimator.judge_batch(points, references, poses,
                                              scene_points=scene_points, viewpoint='sensor'),
                        (-1, 3))
    return 1.0 - scores[:, 1:].max(axis=1) / np.maximum(scores[:, 0], 1e-6)
