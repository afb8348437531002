"""Directions of a pose that the visible points do not constrain, and what tracking does there.

When the handle of a mug is hidden, any rotation about its axis explains the points. A pose that is
tracked keeps its expected value along such directions (`remap_solution`); a pose that was never
well constrained is not accepted (`check_observability`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimation.uncertainty.observability import (
    Observability,
    plane_rows,
    pose_observability,
)
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.rigid_motion import Motion, curvature, transform
from pointpng_core.reference.reference import Reference
from pointpng_core.tracking.measurement import Measurement
from pointpng_core.tracking.track import Track

Matrix = NDArray[np.float64]
Support = Callable[[list[PoseEstimate]], NDArray[np.float64]]
"""Returns how well the pixels of a frame support poses, (n,)."""
Case = tuple[Measurement, Track, Observability]
STEP = 0.35
"""Step along the least constrained direction, in half diameters: a rotation of 20 degrees."""
MIN_SCORE_LOSS = 0.1
"""Share of its score that a well-constrained pose loses by this step."""
IN_PLACE_DIAMETERS, FARTHEST_SHARE = 0.03, 0.99
"""A step that leaves this share of the surface that near to itself moves nothing that matters. Of
50 YCB objects about their best axis: cans, balls, a bowl, a pear, a screwdriver at most .020; a
bleach bottle .034, a mug .115."""
PROBED_POINTS, GAP_SPACINGS = 4, 3.0
MEMORY_FACTOR = 2.0
"""Multiple of the least observability from which on a pose is remembered as well constrained: it
stays accepted while it is tracked, though nothing visible constrains it any more."""


def remap_solution(T: Matrix, T_expected: Matrix, points: NDArray[np.floating],
                   reference: Reference, *, degeneracy_threshold: float) -> Matrix:
    """Return a registered pose (4, 4) with its degenerate directions taken from the expected one.

    Solution remapping (Zhang, Kaess and Singh 2016) with a smooth transition: the eigenvalues of
    the registration's normal equations are the mean squared changes of the points' distances from
    the surface per unit of motion. Where one equals `degeneracy_threshold`, half of the step from
    the expected pose is taken. A rotation counts as the path of a point half a diameter from the
    centre. `points` (n, 3) are in the camera's frame.
    """
    rows, _ = plane_rows(T, points, reference)
    values, axes = np.linalg.eigh(curvature(rows))
    weight = np.clip(values, 0.0, None) ** 2
    weight = weight / (weight + degeneracy_threshold ** 2 + 1e-12)
    centre, radius = reference.centre, reference.diameter_m / 2
    step = Motion.of(np.linalg.inv(T_expected) @ T, centre)
    taken = axes @ (weight * (axes.T @ np.concatenate((step.rotation_rad * radius,
                                                       step.shift_m))))
    return T_expected @ Motion(rotation_rad=taken[:3] / radius,
                               shift_m=taken[3:]).over(1.0, centre)


def check_observability(estimator: PoseEstimator, measurements: Sequence[Measurement],
                        tracks: Sequence[Track], scene_points: NDArray[np.floating], *,
                        min_observability: float, support: Support | None = None
                        ) -> list[Track]:
    """Return the tracks with `well_constrained` set by the measurements of the current frame.

    A pose is well constrained when the visible points constrain it in all directions, or did so
    clearly at some time and it has been tracked since, or it is explained worse when it is moved
    along the least constrained direction, or such a move leaves the surface in its place. With a
    `min_observability` of 0 every pose counts as well constrained. `scene_points` are those of
    `PoseEstimator.estimate_batch`; `support` judges by the pixels of a frame, where it has any.
    """
    if not min_observability:
        return [track.with_observability(well_constrained=True,
                                         was_well_constrained=track.was_well_constrained)
                for track in tracks]
    measured = [pose_observability(measurement.posed.T_observation_reference,
                                   measurement.segment.points, track.reference)
                for measurement, track in zip(measurements, tracks)]
    remembered = [measurement.tracked and track.was_well_constrained
                  for measurement, track in zip(measurements, tracks)]
    constrained = [known or each.share >= min_observability
                   for known, each in zip(remembered, measured)]
    unclear = [row for row, known in enumerate(constrained) if not known]
    cases = [(measurements[row], tracks[row], measured[row]) for row in unclear]
    losses = _support_losses(support, cases) if support and cases \
        else _score_losses(estimator, cases, scene_points)
    for row, loss in zip(unclear, losses):
        constrained[row] = bool(loss >= MIN_SCORE_LOSS) or leaves_surface_in_place(
            measured[row], tracks[row].reference)
    return [track.with_observability(
        well_constrained=well, was_well_constrained=known
        or each.share >= MEMORY_FACTOR * min_observability)
        for track, well, known, each in zip(tracks, constrained, remembered, measured)]


def leaves_surface_in_place(observability: Observability, reference: Reference) -> bool:
    """Return whether a step along the least constrained direction moves the surface onto itself.

    That is the rotation of a can about its axis, though its scan shows labels and dents: whoever
    grasps the object need not know it.
    """
    for step in (STEP, -STEP):
        T = observability.moved(np.eye(4), reference, step=step)
        distances = _from_surface(transform(T, reference.points[::PROBED_POINTS]), reference)
        if np.quantile(distances, FARTHEST_SHARE) > IN_PLACE_DIAMETERS * reference.diameter_m:
            return False
    return True


def _from_surface(points: NDArray[np.float64], reference: Reference) -> NDArray[np.float64]:
    """Return the distances (n,) of points (n, 3), in the reference's frame, from its surface.

    Near a sampled point the surface is its plane: the gaps between samples are no distance.
    """
    local, normals = reference.points - reference.centre, reference.normals
    rows = reference.tree.nearest(points - reference.centre)
    offset = points - reference.centre - local[rows]
    plane = np.einsum('ni,ni->n', offset, normals[rows])
    aside = np.sqrt(np.maximum((offset ** 2).sum(axis=1) - plane ** 2, 0.0))
    gap: NDArray[np.float64] = np.maximum(aside - GAP_SPACINGS * reference.spacing_m, 0.0)
    return np.hypot(plane, gap)


def _moved_estimates(case: Case) -> list[PoseEstimate]:
    """Return an estimate, and the same moved to either side of its least constrained direction."""
    measurement, track, observability = case
    estimate = measurement.posed
    return [replace(estimate, T_observation_reference=observability.moved(
        estimate.T_observation_reference, track.reference, step=step))
        for step in (0.0, STEP, -STEP)]


def _support_losses(support: Support, cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return the share (n,) of its support by pixels that each pose loses, as `_score_losses`."""
    values = support([moved for case in cases for moved in _moved_estimates(case)])
    return _losses(values)


def _score_losses(estimator: PoseEstimator, cases: Sequence[Case],
                  scene_points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the share (n,) of its score that each pose loses, moved to the side that loses less.

    The score also depends on the edges of the visible surface, which `Observability` ignores.
    """
    points, references = [], []
    for measurement, track, _ in cases:
        points += 3 * [measurement.segment.points]
        references += 3 * [track.reference]
    poses = [moved.T_observation_reference for case in cases for moved in _moved_estimates(case)]
    judged = estimator.judge_batch(points, references, poses, scene_points=scene_points,
                                   viewpoint=Viewpoint.SENSOR)
    return _losses([estimate.score if estimate else 0.0 for estimate in judged])


def _losses(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    by_case = np.reshape(values, (-1, 3))
    return 1.0 - by_case[:, 1:].max(axis=1) / np.maximum(by_case[:, 0], 1e-6)
