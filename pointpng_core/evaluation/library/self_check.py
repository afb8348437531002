"""Self-check of a library: random views of every object against all objects of the library."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.confidence import MIN_CONFIDENCE
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.observations import LEAST_POINTS
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import LabelledObservation
from pointpng_core.evaluation.library.views import View, random_views
from pointpng_core.io.object_library import ObjectModel
from pointpng_core.reference import Reference
from pointpng_core.reference.library.model_checks import size_notes
from pointpng_core.simulation.noise import SensorErrors

MIXED_UP = 0.1
"""Share of an object's views taken for another one, from which on a warning is given."""
FEW_POINTS = 200
"""Points in a view below which an object is too small for the camera."""
THIN_SIGMAS = 4.0
"""Thickness in units of the depth noise below which front and back are hard to tell apart."""


@dataclass(frozen=True, kw_only=True)
class TestPlan:
    """The views of each object: how many, from which distance, with which noise and seed."""

    __test__ = False
    views: int = 12
    distance_m: float = 0.7
    seed: int = 0
    noise: float = 1.0
    """Noise of the depth camera, in units of a Kinect's."""

    @property
    def depth_noise(self) -> SensorErrors:
        """Return the noise of the camera."""
        return SensorErrors().scaled(self.noise)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Outcome:
    taken_for: str
    right: bool
    accepted: bool
    rotation_deg: float
    shift_m: float
    points: int


def check_library(estimator: PoseEstimator, models: Sequence[ObjectModel], plan: TestPlan, *,
                  report: Callable[[int, int, str], None] = lambda done, total, text: None
                  ) -> dict[str, Any]:
    """Return how often and how well objects are posed in random views.

    Returns {'views', 'distance_m', 'seed', 'noise', 'threshold', 'objects': {NAME: {'diameter_m',
    'points', 'right', 'rotation_deg', 'shift_mm', 'accepted', 'accepted_wrong', 'taken_for':
    {NAME: views}}}, 'warnings': [TEXT]}. `right` is the share of views with the right object at
    the right pose, up to its symmetry (ADD-S below 5 % of the diameter, or a residual about as
    good as that of the true pose). Errors are medians over the views with the right object, nan
    without one.
    """
    references = [estimator.reference_from_model(model.model, name=model.name,
                                                 symmetry=model.symmetry) for model in models]
    objects: dict[str, Any] = {}
    for row, (model, reference) in enumerate(zip(models, references)):
        views = list(random_views(model.model, reference, views=plan.views, noise=plan.depth_noise,
                                  distance_m=plan.distance_m, seed=[plan.seed, row]))
        outcomes = _outcomes(estimator, views, reference, references)
        objects[model.name] = _summary(outcomes, reference)
        report(row + 1, len(models), 'objects')
    return {**{name: getattr(plan, name) for name in ('views', 'distance_m', 'seed', 'noise')},
            'threshold': MIN_CONFIDENCE, 'objects': objects,
            'warnings': _warnings(objects, references, plan)}


def _outcomes(estimator: PoseEstimator, views: Sequence[View], own: Reference,
              references: Sequence[Reference]) -> list[_Outcome]:
    usable = [view for view in views if len(view.points) >= LEAST_POINTS]
    found = estimator.estimate_batch([view.points for view in usable], references,
                                     viewpoint=Viewpoint.SENSOR)
    outcomes = [_outcome(view, estimates[0], own, references)
                for view, estimates in zip(usable, found)]
    unseen = _Outcome(taken_for='', right=False, accepted=False, rotation_deg=np.nan,
                      shift_m=np.nan, points=0)
    return outcomes + [unseen] * (len(views) - len(usable))


def _outcome(view: View, estimate: PoseEstimate, own: Reference, references: Sequence[Reference]
             ) -> _Outcome:
    seen = LabelledObservation(source='self-test', name=own.name, points=view.points,
                               surface=own.points, T_observation_object=view.T_camera_object)
    right = seen.judge(estimate, {reference.name for reference in references}).right
    rotation_deg, shift_m = _errors(estimate.T_observation_reference, view.T_camera_object, own) \
        if estimate.name == own.name else (np.nan, np.nan)
    return _Outcome(taken_for=estimate.name, right=right, rotation_deg=rotation_deg,
                    shift_m=shift_m, accepted=estimate.confidence >= MIN_CONFIDENCE,
                    points=len(view.points))


def _errors(T: NDArray[np.float64], T_true: NDArray[np.float64], reference: Reference
            ) -> tuple[float, float]:
    """Return the rotation error (degrees) and the shift of the centre (m), up to symmetry."""
    moved = T @ reference.symmetry.nearest(T, T_true)
    rotation_rad = reference.symmetry.rotation_error_rad(T[:3, :3], T_true[:3, :3])
    shift = (moved - T_true)[:3] @ np.append(reference.centre, 1.0)
    return float(np.degrees(rotation_rad)), float(np.linalg.norm(shift))


def _summary(outcomes: Sequence[_Outcome], reference: Reference) -> dict[str, Any]:
    right = np.array([outcome.right for outcome in outcomes])
    accepted = np.array([outcome.accepted for outcome in outcomes])
    others = Counter(outcome.taken_for for outcome in outcomes
                     if outcome.taken_for not in ('', reference.name))
    return {'diameter_m': reference.diameter_m,
            'points': float(np.median([outcome.points for outcome in outcomes])),
            'right': float(right.mean()),
            'rotation_deg': _median([outcome.rotation_deg for outcome in outcomes]),
            'shift_mm': 1e3 * _median([outcome.shift_m for outcome in outcomes]),
            'accepted': float(accepted.mean()),
            'accepted_wrong': float((accepted & ~right).mean()),
            'taken_for': dict(others.most_common())}


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else float('nan')


def _warnings(objects: dict[str, Any], references: Sequence[Reference], plan: TestPlan
              ) -> list[str]:
    notes = []
    for reference in references:
        result = objects[reference.name]
        notes += [f'{reference.name} looks like {other}: taken for it in {count} of {plan.views} '
                 'views' for other, count in result['taken_for'].items()
                 if count >= MIXED_UP * plan.views]
        notes += [f'{reference.name}: {note}' for note in size_notes(reference.points)]
        notes += _camera_warnings(reference, result, plan)
    return notes


def _camera_warnings(reference: Reference, result: dict[str, Any], plan: TestPlan) -> list[str]:
    if result['points'] < FEW_POINTS:
        return [f'{reference.name} is too small for the camera: {result["points"]:.0f} points at '
                f'{plan.distance_m:g} m instead of {FEW_POINTS}; go nearer']
    local = reference.points - reference.centre
    axes = np.linalg.eigh(local.T @ local)[1]
    thickness_m = float(np.ptp(local @ axes, axis=0).min())
    sigma_m = float(plan.depth_noise.sigma_m(np.float32(plan.distance_m)))
    if thickness_m < THIN_SIGMAS * sigma_m:
        return [f'{reference.name} is {1e3 * thickness_m:.1f} mm thin, the noise of the depth at '
                f'{plan.distance_m:g} m {1e3 * sigma_m:.1f} mm: front and back are hard to '
                'tell apart; go nearer']
    return []
