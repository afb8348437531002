"""Scores the poses of a frame against the truth; pure functions of poses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pointpng_core.geometry import Symmetry
from pointpng_core.io.object_library import ObjectModel

Pairs = list[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class ObjectPose:
    """One object of one frame; `frame` is LABEL_INDEX, T_camera_object (4, 4) in metres."""

    label: str
    frame: str
    T_camera_object: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ScoredModel:
    """What scoring needs of an object: symmetry, centre (3,) and diagonal of its box, metres."""

    symmetry: Symmetry
    centre: NDArray[np.float64]
    diameter_m: float

    @classmethod
    def of(cls, model: ObjectModel) -> 'ScoredModel':
        """Measure a model of a library; one that declares no symmetry counts as having none."""
        low, high = model.points.min(axis=0), model.points.max(axis=0)
        return cls(symmetry=model.symmetry or Symmetry(),
                   centre=(low + high).astype(np.float64) / 2,
                   diameter_m=float(np.linalg.norm(high - low)))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Largest errors at which an object counts as posed."""

    rotation_deg: float
    translation_mm: float


@dataclass(frozen=True, kw_only=True)
class ObjectScore:
    """The score of one object in one frame, in view or found though it is not.

    `detected_as` is the label of the detection at its place and `found_frame` its LABEL_INDEX,
    None when there is none; errors are NaN unless that label is right.
    """

    label: str
    frame: str
    detected_as: str | None
    found_frame: str | None = None
    rotation_error_deg: float = float('nan')
    translation_error_mm: float = float('nan')
    posed: bool = False

    @property
    def outcome(self) -> str:
        """Return one word: posed, missed, mistaken (for another object) or inaccurate."""
        if self.posed:
            return 'posed'
        if self.detected_as is None:
            return 'missed'
        return 'inaccurate' if self.detected_as == self.label else 'mistaken'


@dataclass(frozen=True, kw_only=True)
class FrameScore:
    """All objects in view in one frame, and every published pose.

    objects: those in view, found or not; hidden: those not in view that a pose belongs to; extra:
    labels of the poses that belong to no object, or to one that another pose shows already.
    """

    objects: tuple[ObjectScore, ...]
    hidden: tuple[ObjectScore, ...] = ()
    extra: tuple[str, ...]

    @property
    def found(self) -> tuple[ObjectScore, ...]:
        """Return the objects, in view or not, that a published pose belongs to."""
        return tuple(row for row in (*self.objects, *self.hidden) if row.detected_as is not None)

    @property
    def published(self) -> int:
        """Return the number of published poses."""
        return len(self.found) + len(self.extra)

    @property
    def right(self) -> int:
        """Return how many of them are within the limits, under the right label."""
        return sum(row.posed for row in self.found)


def score_frame(truths: Sequence[ObjectPose], detections: Sequence[ObjectPose],
                models: Mapping[str, ScoredModel], limits: Limits, *,
                hidden: Sequence[ObjectPose] = ()) -> FrameScore:
    """Pair true and detected objects one to one by place, right labels first, and measure.

    A detection belongs to an object when the centres of their models lie within half the
    object's diameter. Rotation errors respect the symmetry of the object's model. `truths` are
    the objects in view and `hidden` the others, which may be found but need not.
    """
    in_view, truths = len(truths), [*truths, *hidden]
    gaps_m = _gaps_m(truths, detections, models)
    right = np.array([[t.label == d.label for d in detections] for t in truths],
                     dtype=bool).reshape(gaps_m.shape)
    pairs = _assign(np.where(right, gaps_m, np.inf))
    left = gaps_m.copy()
    for row, column in pairs:
        left[row, :] = left[:, column] = np.inf
    pairs += _assign(left)
    found = dict(pairs)
    scores = tuple(_score(truth, detections[found[row]] if row in found else None, models, limits)
                   for row, truth in enumerate(truths))
    taken = set(found.values())
    return FrameScore(
        objects=scores[:in_view],
        hidden=tuple(row for row in scores[in_view:] if row.detected_as is not None),
        extra=tuple(found.label for i, found in enumerate(detections) if i not in taken))


def _score(truth: ObjectPose, detection: ObjectPose | None,
           models: Mapping[str, ScoredModel], limits: Limits) -> ObjectScore:
    if detection is None or detection.label != truth.label:
        return ObjectScore(label=truth.label, frame=truth.frame,
                           detected_as=detection.label if detection else None,
                           found_frame=detection.frame if detection else None)
    symmetry = models[truth.label].symmetry
    T_found, T_true = detection.T_camera_object, truth.T_camera_object
    rotation_deg = float(np.degrees(symmetry.rotation_error_rad(T_found[:3, :3],
                                                                T_true[:3, :3])))
    translation_mm = 1000 * symmetry.translation_error_m(T_found, T_true)
    return ObjectScore(label=truth.label, frame=truth.frame, detected_as=detection.label,
                       found_frame=detection.frame,
                       rotation_error_deg=rotation_deg, translation_error_mm=translation_mm,
                       posed=rotation_deg <= limits.rotation_deg
                       and translation_mm <= limits.translation_mm)


def _gaps_m(truths: Sequence[ObjectPose], detections: Sequence[ObjectPose],
            models: Mapping[str, ScoredModel]) -> NDArray[np.float64]:
    """Return distances (T, D) of centres, inf where a detection is out of reach."""
    gaps_m = np.full((len(truths), len(detections)), np.inf)
    found = [_centre(detection, models) for detection in detections]
    for row, truth in enumerate(truths):
        true = _centre(truth, models)
        for column, centre in enumerate(found):
            gap_m = float(np.linalg.norm(true - centre))
            if gap_m <= models[truth.label].diameter_m / 2:
                gaps_m[row, column] = gap_m
    return gaps_m


def _centre(pose: ObjectPose, models: Mapping[str, ScoredModel]) -> NDArray[np.float64]:
    """Return the model's centre (3,) in the camera's frame, the origin for an unknown label."""
    T = pose.T_camera_object
    middle = models[pose.label].centre if pose.label in models else np.zeros(3)
    centre: NDArray[np.float64] = T[:3, :3] @ middle + T[:3, 3]
    return centre


def _assign(gaps_m: NDArray[np.float64]) -> Pairs:
    """Return one-to-one pairs with finite gaps: as many as possible, then least total gap."""
    costs = np.where(np.isfinite(gaps_m), gaps_m, 1e3)
    return [(int(row), int(column)) for row, column in zip(*linear_sum_assignment(costs))
            if np.isfinite(gaps_m[row, column])]
