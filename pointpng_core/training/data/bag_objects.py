"""Objects in recorded bags: the segments that the node would find in their clouds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import random_points
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag, find_bags
from pointpng_core.io.units import UNIT_M
from pointpng_core.segmentation import SegmenterConfig, segment_scene
from pointpng_core.training.data.objects import (
    MAX_POINTS,
    UNKNOWN,
    Progress,
    RawObjects,
)
from pointpng_core.training.data.source_config import SourceConfig


def read_bag_objects(source: SourceConfig, *, seed: int, progress: Progress) -> RawObjects:
    """Read all bags of a source and segment their clouds.

    The segments are single views (`single_view`), so that their diameter is that of the visible
    part. The intact beginning of a truncated bag is used, and the rest reported in `losses`.
    Raises FileError, ConfigError for a missing topic, or MissingDependencyError.
    """
    clouds: list[NDArray[np.float32]] = []
    names: list[str] = []
    losses: list[str] = []
    facts: dict[str, Any] = {'single_view': True, 'topics': {}, 'clouds': 0}
    for path in find_bags(Path(source.path)):
        with CloudBag(path) as bag:
            topic = bag.choose_topic(source.topic or None, option='topic=')
            facts['topics'][path.name] = topic
            for frame, segments in _segmented(bag, topic, source, progress, losses):
                facts['clouds'] += 1
                clouds += [random_points(points, min(MAX_POINTS, len(points)), seed=seed)
                           for points in segments]
                names += [f'{path.stem}/{frame:06d}/{k}' for k in range(len(segments))]
            losses += [bag.damage] if bag.damage else []
    rows = source.choose(len(clouds), None)
    return RawObjects(read=lambda k: clouds[rows[k]], labels=np.full(len(rows), UNKNOWN),
                      names=tuple(names), losses=tuple(losses), facts=facts)


def _segmented(bag: CloudBag, topic: str, source: SourceConfig, progress: Progress,
               losses: list[str]) -> Iterator[tuple[int, list[NDArray[np.float32]]]]:
    """Yield the number of each cloud and the points (n, 3) in metres of its segments."""
    config, bad, total = SegmenterConfig(), 0, bag.topics[topic]
    reason = ''
    for frame, (_, message) in enumerate(bag.clouds(topic)):
        progress(frame, total, f'clouds of {bag.path.name}')
        try:
            cloud = decode_cloud(message)
            scene = segment_scene(cloud.points * np.float32(UNIT_M[source.unit]), config=config,
                                  image_shape=cloud.image_shape, depth_noise=KINECT_NOISE)
            yield frame, [segment.points for segment in scene.segments]
        except CloudError as error:
            bad, reason = bad + 1, reason or str(error)
    if bad:
        losses.append(f'{bag.path}: {bad} of {total} clouds cannot be used; the first because: '
                      f'{reason}')
