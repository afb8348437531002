"""The model of one object from a recorded bag in which it rotates or the camera circles it."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError, FusionError
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.io import TriangleMesh
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.reference.reconstruction.meshing import consistent_surface, meshed
from pointpng_core.reference.reconstruction.turntable import (
    LoopError,
    PlacedView,
    TurntableTracker,
    close_loop,
    refine_all,
)
from pointpng_core.reference.reconstruction.views import extract_view
from pointpng_core.segmentation import SegmenterConfig

Progress = Callable[[int, int, str], None]
MAX_CLOUDS = 360
"""From a longer recording every second, third ... cloud is used."""
VOXEL_M = 0.0025
MAX_GAP_DEG = 150.0
"""Largest allowed angle between neighbouring view directions; beyond it, a side is unknown."""
MAX_REFUSED_SHARE = 0.4
"""Share of rejected views above which the others cannot be trusted either."""
MIN_OBSERVABLE_SHARE = 0.1
"""Share of views that must constrain the rotation; a handle is hidden in half of them."""
SEGMENTER = SegmenterConfig(split=False)
"""There is a single object: segments need no splitting."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReconstructedModel:
    """The mesh and how it was made. Its frame has z up, the origin on the table below its middle.

    `rotation_deg` is the total rotation, `widest_gap_deg` the widest angle between neighbouring
    view directions, `loop` the error when the loop was closed. `still` counts views that show
    nothing new, `refused` those that fit nowhere.
    """

    mesh: TriangleMesh
    clouds: int
    used: int
    still: int
    refused: int
    unusable: int
    reasons: dict[str, int]
    """Why clouds could not be used, and how many."""
    rotation_deg: float
    widest_gap_deg: float
    observable_share: float
    """Share of views whose rotation is observable; the others are assumed to rotate evenly."""
    residual_m: float
    """Median over the views of the distance from the views before them."""
    loop: LoopError | None
    damage: str
    """What could not be read from the bag, '' for nothing."""


def reconstruct_bag(path: Path, *, topic: str | None = None,
                    near: NDArray[np.float64] | None = None,
                    progress: Progress = lambda done, total, text: None) -> ReconstructedModel:
    """Return the model of an object that a bag shows from all sides.

    near: (3,) metres in the frame of the first cloud, selects one of several objects; without it,
    the largest is taken. Raises FileError, ConfigError for an unknown topic, CloudError when the
    views agree on nothing, and FusionError, which says why the recording gives no model and what
    to record instead.
    """
    tracker, reasons = TurntableTracker(), Counter[str]()
    with CloudBag(path) as bag:
        chosen = bag.choose_topic(topic)
        total = math.ceil(bag.topics[chosen] / _stride(bag.topics[chosen]))
        for done, (time_s, cloud) in enumerate(_clouds(bag, chosen, reasons)):
            near = _add(tracker, time_s, cloud, near, reasons)
            progress(done + 1, total, 'following the object')
        damage = bag.damage
    _check(tracker, reasons)
    return _model(tracker, reasons, damage, progress)


def _stride(count: int) -> int:
    return max(1, math.ceil(count / MAX_CLOUDS))


def _clouds(bag: CloudBag, topic: str, reasons: Counter[str]
            ) -> Iterator[tuple[float, PointCloud]]:
    """Yield the clouds that are used, and when they were recorded (seconds)."""
    every = _stride(bag.topics[topic])
    for index, (time_ns, message) in enumerate(bag.clouds(topic)):
        if index % every:
            continue
        try:
            yield 1e-9 * time_ns, decode_cloud(message)
        except CloudError as error:
            reasons[str(error)] += 1


def _add(tracker: TurntableTracker, time_s: float, cloud: PointCloud,
         near: NDArray[np.float64] | None, reasons: Counter[str]) -> NDArray[np.float64] | None:
    """Add the view of a cloud; return the middle of the object (3,), in the frame of the cloud."""
    try:
        view, middle = extract_view(time_s, cloud.points, near=near, config=SEGMENTER,
                                    voxel_m=VOXEL_M, image_shape=cloud.image_shape)
    except CloudError as error:
        reasons[str(error)] += 1
        return near
    tracker.add(view)
    return middle


def _check(tracker: TurntableTracker, reasons: Counter[str]) -> None:
    """Raise FusionError when the views are not enough for a model."""
    count = len(tracker.placed) + tracker.refused + tracker.still
    if count < 2:
        why = f': {reasons.most_common(1)[0][0]}' if reasons else ''
        raise FusionError(f'{count} of {count + sum(reasons.values())} clouds show an object on '
                          f'a table, a model needs many{why}')
    if tracker.refused > MAX_REFUSED_SHARE * count:
        raise FusionError(
            f'{tracker.refused} of {count} clouds do not fit the ones before: the object moved '
            'too far between two clouds, or is not rigid; rotate it more slowly, at most 15 '
            'degrees from cloud to cloud, and move nothing else on the table')
    if tracker.observable_share < MIN_OBSERVABLE_SHARE:
        raise FusionError(
            'the object looks the same from all sides, as bottles and bowls do: its rotation '
            'cannot be followed. Add a mesh of it (`pointpng objects add`), or stick something on '
            'it that stands out by a centimetre')
    gap_deg = _widest_gap_deg(tracker.placed)
    if gap_deg > MAX_GAP_DEG:
        raise FusionError(
            f'{360 - gap_deg:.0f} of 360 degrees were seen, the rest is unknown: record a whole '
            'rotation, or walk around the object')


def _model(tracker: TurntableTracker, reasons: Counter[str], damage: str, progress: Progress
           ) -> ReconstructedModel:
    closed, loop = close_loop(tracker.placed)
    views = refine_all(closed, report=lambda done, rounds: progress(done, rounds, 'refining'))
    mesh = _centred(meshed(consistent_surface([view.patch for view in views])))
    unusable = sum(reasons.values())
    return ReconstructedModel(
        mesh=mesh, clouds=len(views) + tracker.still + tracker.refused + unusable,
        used=len(views), still=tracker.still, refused=tracker.refused, unusable=unusable,
        reasons=dict(reasons), loop=loop, damage=damage, observable_share=tracker.observable_share,
        rotation_deg=math.degrees(abs(views[-1].rotation_rad - views[0].rotation_rad)),
        widest_gap_deg=_widest_gap_deg(views),
        residual_m=float(np.median([view.fit.residual_m for view in views if view.fit])))


def _widest_gap_deg(views: list[PlacedView]) -> float:
    """Return the widest angle between neighbouring directions to the camera, in the plane."""
    middle = np.mean([view.patch.points.mean(axis=0) for view in views], axis=0)
    cameras = np.array([view.T_object_table[:3] @ np.append(view.view.camera, 1.0)
                        for view in views]) - middle
    angles = np.sort(np.degrees(np.arctan2(cameras[:, 1], cameras[:, 0])))
    return float(np.diff(angles, append=angles[0] + 360.0).max())


def _centred(mesh: TriangleMesh) -> TriangleMesh:
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    shift = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, 0.0], dtype=np.float32)
    return TriangleMesh(vertices=mesh.vertices - shift, faces=mesh.faces)
