"""The clouds of a recording in order, from PointCloud2 messages or from depth images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.io.bags.depth_recording import (
    DepthStream,
    depth_stream,
    depth_topics,
    only_topic,
    recorded_depths,
    stamp_ns,
)
from pointpng_core.io.bags.image_message import DEPTH_UNIT_M
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CLOUD_TYPE, IMAGE_TYPE, CloudBag
from pointpng_core.io.units import MM_PER_M


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedCloud:
    """A cloud of a recording: `cloud`, or why there is none (`refused`).

    Whatever is decoded to it, a PointCloud2 or anything else, is processed alike.
    """

    stamp_ns: int
    frame_id: str
    cloud: PointCloud | None
    refused: str | None


@dataclass(frozen=True, kw_only=True, eq=False)
class CloudStream:
    """The topic of a bag whose messages are the clouds, and how they are decoded."""

    bag: CloudBag
    topic: str
    depth: DepthStream | None
    """The topics of depth images; None for a topic of clouds."""
    unit_m: float = DEPTH_UNIT_M
    """Of depth images of whole numbers."""

    @property
    def count(self) -> int:
        """Return how many messages the topic has."""
        return self.bag.topics_of(IMAGE_TYPE if self.depth else CLOUD_TYPE)[self.topic]

    def clouds(self) -> Iterator[RecordedCloud]:
        """Yield the clouds, oldest first."""
        if self.depth is None:
            for _, message in self.bag.clouds(self.topic):
                yield _decoded(message, partial(decode_cloud, message))
            return
        for _, recorded in recorded_depths(self.bag, self.depth):
            yield _decoded(recorded.image, partial(
                recorded.cloud, rectified=self.depth.rectified, unit_m=self.unit_m))


def choose_stream(bag: CloudBag, asked: str | None = None, *, camera_info: str | None = None,
                  unit_m: float = DEPTH_UNIT_M) -> CloudStream:
    """Return the stream of the asked topic, of clouds or of depth images, or of the only one.

    Without a name it is that of the only cloud topic, or where there are no clouds, of the only
    depth image topic. `camera_info` is the topic of the CameraInfo of depth images, by default the
    one beside theirs. Raises ConfigError.
    """
    topic = only_topic(bag) if asked is None else asked
    if topic in bag.topics_of(IMAGE_TYPE):
        return CloudStream(bag=bag, topic=topic, depth=depth_stream(bag, topic, camera_info),
                           unit_m=unit_m)
    if topic not in bag.topics:
        raise ConfigError(f'{bag.path} has no topic {topic!r} of clouds or depth images; clouds: '
                          f'{", ".join(bag.topics) or "none"}; depth images: '
                          f'{", ".join(depth_topics(bag)) or "none"}')
    given = [f'--camera-info {camera_info}'] * (camera_info is not None)
    given += [f'--depth-scale {unit_m * MM_PER_M:g}'] * (unit_m != DEPTH_UNIT_M)
    if given:
        raise ConfigError(f'{given[0]} belongs to depth images, but {topic} of {bag.path} has '
                          'clouds')
    return CloudStream(bag=bag, topic=topic, depth=None)


def _decoded(message: Any, decode: Callable[[], PointCloud]) -> RecordedCloud:
    cloud, refused = None, None
    try:
        cloud = decode()
    except CloudError as error:
        refused = str(error)
    return RecordedCloud(stamp_ns=stamp_ns(message), frame_id=message.header.frame_id,
                         cloud=cloud, refused=refused)
