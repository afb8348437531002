"""The true poses of a frame, and which of them are targets: objects that have to be found."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.evaluation.pose.bop_recall import most_visible
from pointpng_core.geometry.clouds import PointCloud, finite_rows
from pointpng_core.io.bop import BopFrame, BopInstance

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TargetRule:
    """How much of an object has to be visible for it to be a target.

    `min_pixels` decides where the visible fraction is not known, and nothing where neither is.
    """

    min_visible: float = 0.3
    min_pixels: int = 300


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """One annotated object of a frame."""

    label: str
    T_camera_object: NDArray[np.float64]
    visible_fraction: float | None
    target: bool
    mask: Rows | None
    """Rows of its visible pixels that have a reading in the frame's cloud, ascending; None without
    a mask."""


def frame_truths(frame: BopFrame, cloud: PointCloud, names: Mapping[int, str], rule: TargetRule,
                 counts: Mapping[int, int] | None = None) -> list[Truth]:
    """Return the annotated objects of a frame with its organised cloud.

    `names` are the labels by object id, `counts` the targets of the BOP19 evaluation, {object id:
    instances}: as there, the most visible instances are meant, and the rule is not asked. Raises
    FileError.
    """
    finite = finite_rows(cloud.points)
    masks = [_rows(finite, frame.mask_visible(index)) for index in range(len(frame.instances))]
    targets = [_visible_enough(instance, mask, rule)
               for instance, mask in zip(frame.instances, masks)] \
        if counts is None else _asked_for(frame, counts)
    return [Truth(label=names[instance.object_id], T_camera_object=instance.T_camera_object,
                  visible_fraction=instance.visible_fraction, target=bool(target), mask=mask)
            for instance, target, mask in zip(frame.instances, targets, masks)]


def _rows(finite: NDArray[np.bool_], mask: NDArray[np.bool_] | None) -> Rows | None:
    return None if mask is None else np.flatnonzero(mask.reshape(-1) & finite)


def _visible_enough(instance: BopInstance, mask: Rows | None, rule: TargetRule) -> bool:
    if instance.visible_fraction is not None:
        return instance.visible_fraction >= rule.min_visible
    pixels = instance.visible_pixels
    if pixels is None and mask is not None:
        pixels = len(mask)
    return pixels is None or pixels >= rule.min_pixels


def _asked_for(frame: BopFrame, counts: Mapping[int, int]) -> NDArray[np.bool_]:
    ids = np.array([instance.object_id for instance in frame.instances], dtype=np.int64)
    fractions = np.array([1.0 if instance.visible_fraction is None else instance.visible_fraction
                          for instance in frame.instances])
    targets = np.zeros(len(ids), dtype=bool)
    for object_id, count in counts.items():
        own = np.flatnonzero(ids == object_id)
        targets[own] = most_visible(fractions[own], count)
    return targets
