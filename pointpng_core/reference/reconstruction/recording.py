"""A recorded bag of one object that turns on a table, or is walked around: to its model."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError, FusionError
from pointpng_core.io import TriangleMesh
from pointpng_core.io.bags.pointcloud2 import DecodedCloud, decode_cloud
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.reference.reconstruction.meshing import agreed, meshed
from pointpng_core.reference.reconstruction.turntable import (
    LoopError,
    PlacedLook,
    Turning,
    close_loop,
    settle,
)
from pointpng_core.reference.reconstruction.views import take_look
from pointpng_core.segmentation import SegmenterConfig

Progress = Callable[[int, int, str], None]
MOST_CLOUDS = 360
"""Of a longer recording every other one, every third ... is used."""
VOXEL_M = 0.0025
WIDEST_GAP_DEG = 150.0
"""Between neighbouring directions of view; a wider one leaves a side that nobody saw."""
MOST_REFUSED = 0.4
"""Share of looks that do not fit from which on those that do cannot be trusted."""
LEAST_TOLD = 0.1
"""Share of looks in which the surface must tell the turn: a handle is hidden half of the time."""
SEGMENTER = SegmenterConfig(split=False)
"""One object stands alone: nothing that touches it has to be cut off."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedModel:
    """The model and how it came about. Its frame: z up, the origin on the table below its middle.

    `rotation_deg` is all of the turn, `widest_gap_deg` the widest angle between neighbouring
    directions from which it was seen; `loop` tells what was missing when a whole turn closed.
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
    told_share: float
    """Of the looks whose turn the surface told; the others are taken to go on as before."""
    residual_m: float
    """Median over the looks, on the looks before them."""
    loop: LoopError | None
    damage: str
    """What of the bag could not be read, '' for nothing."""


def fuse_bag(path: Path, *, topic: str | None = None, near: NDArray[np.float64] | None = None,
             progress: Progress = lambda done, total, text: None) -> FusedModel:
    """Return the model of the object that a bag shows from all sides.

    near: (3,) metres in the frame of the first cloud, the object to take of several; without it
    the largest. Raises FileError, ConfigError for a topic that is not there, CloudError when the
    looks agree on nothing, and FusionError, which says why no model comes of the recording and
    what to record instead.
    """
    turning, reasons = Turning(), Counter[str]()
    with CloudBag(path) as bag:
        chosen = bag.choose_topic(topic)
        total = math.ceil(bag.topics[chosen] / _every(bag.topics[chosen]))
        for done, (time_s, cloud) in enumerate(_clouds(bag, chosen, reasons)):
            near = _add(turning, time_s, cloud, near, reasons)
            progress(done + 1, total, 'following the object')
        damage = bag.damage
    _check(turning, reasons)
    return _model(turning, reasons, damage, progress)


def _every(count: int) -> int:
    return max(1, math.ceil(count / MOST_CLOUDS))


def _clouds(bag: CloudBag, topic: str, reasons: Counter[str]
            ) -> Iterator[tuple[float, DecodedCloud]]:
    """Yield the clouds that are used, and when they were recorded (seconds)."""
    every = _every(bag.topics[topic])
    for index, (time_ns, message) in enumerate(bag.clouds(topic)):
        if index % every:
            continue
        try:
            yield 1e-9 * time_ns, decode_cloud(message)
        except CloudError as error:
            reasons[str(error)] += 1


def _add(turning: Turning, time_s: float, cloud: DecodedCloud, near: NDArray[np.float64] | None,
         reasons: Counter[str]) -> NDArray[np.float64] | None:
    """Place what a cloud shows; return where the object is now, in the frame of the cloud."""
    try:
        look, middle = take_look(time_s, cloud.points, near=near, config=SEGMENTER,
                                 voxel_m=VOXEL_M, image_shape=cloud.image_shape)
    except CloudError as error:
        reasons[str(error)] += 1
        return near
    turning.add(look)
    return middle


def _check(turning: Turning, reasons: Counter[str]) -> None:
    """Raise FusionError when the looks make no model."""
    count = len(turning.placed) + turning.refused + turning.still
    if count < 2:
        why = f': {reasons.most_common(1)[0][0]}' if reasons else ''
        raise FusionError(f'{count} of {count + sum(reasons.values())} clouds show an object on '
                          f'a table, a model needs many{why}')
    if turning.refused > MOST_REFUSED * count:
        raise FusionError(
            f'{turning.refused} of {count} clouds do not fit the ones before: the object moved '
            'too far between two clouds, or is no rigid thing; turn it more slowly, at most 15 '
            'degrees from cloud to cloud, and move nothing else on the table')
    if turning.told_share < LEAST_TOLD:
        raise FusionError(
            'the object looks the same however it is turned, as bottles and bowls do: its turn '
            'cannot be followed. Add a mesh of it (`pointpng objects add`), or stick something on '
            'it that stands out by a centimetre')
    gap_deg = _widest_gap_deg(turning.placed)
    if gap_deg > WIDEST_GAP_DEG:
        raise FusionError(
            f'{360 - gap_deg:.0f} of 360 degrees were seen, the rest is unknown: record a whole '
            'turn, or walk around the object')


def _model(turning: Turning, reasons: Counter[str], damage: str, progress: Progress
           ) -> FusedModel:
    closed, loop = close_loop(turning.placed)
    looks = settle(closed, report=lambda done, rounds: progress(done, rounds, 'settling'))
    mesh = _centred(meshed(agreed([look.patch for look in looks])))
    unusable = sum(reasons.values())
    return FusedModel(
        mesh=mesh, clouds=len(looks) + turning.still + turning.refused + unusable,
        used=len(looks), still=turning.still, refused=turning.refused, unusable=unusable,
        reasons=dict(reasons), loop=loop, damage=damage, told_share=turning.told_share,
        rotation_deg=math.degrees(abs(looks[-1].rotation_rad - looks[0].rotation_rad)),
        widest_gap_deg=_widest_gap_deg(looks),
        residual_m=float(np.median([look.fit.residual_m for look in looks if look.fit])))


def _widest_gap_deg(looks: list[PlacedLook]) -> float:
    """Return the widest angle between neighbouring directions to the camera, seen from above."""
    middle = np.mean([look.patch.points.mean(axis=0) for look in looks], axis=0)
    cameras = np.array([look.T_object_table[:3] @ np.append(look.look.camera, 1.0)
                        for look in looks]) - middle
    angles = np.sort(np.degrees(np.arctan2(cameras[:, 1], cameras[:, 0])))
    return float(np.diff(angles, append=angles[0] + 360.0).max())


def _centred(mesh: TriangleMesh) -> TriangleMesh:
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    shift = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, 0.0], dtype=np.float32)
    return TriangleMesh(vertices=mesh.vertices - shift, faces=mesh.faces)
