"""Depth images of a bag, each with the CameraInfo that belongs to it."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pointpng_core.errors import ConfigError
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.io.bags.camera_info import names_rectified, sibling_info_topic
from pointpng_core.io.bags.depth_cloud import decode_depth_cloud
from pointpng_core.io.bags.image_message import DEPTH_UNIT_M, holds_depth
from pointpng_core.io.bags.reader import CAMERA_INFO_TYPE, IMAGE_TYPE, CloudBag


@dataclass(frozen=True, kw_only=True)
class DepthStream:
    """The topics of one depth camera in a bag."""

    image: str
    camera_info: str

    @property
    def rectified(self) -> bool:
        """Return whether the name of the image topic says that its images are rectified."""
        return names_rectified(self.image)


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedDepth:
    """A depth image of a bag with its CameraInfo, rosbags' messages."""

    image: Any
    camera_info: Any

    def cloud(self, *, rectified: bool, unit_m: float = DEPTH_UNIT_M) -> PointCloud:
        """Return the cloud in the optical frame; raises CloudError, see `decode_depth_cloud`."""
        return decode_depth_cloud(self.image, self.camera_info, rectified=rectified,
                                  unit_m=unit_m)


def depth_stream(bag: CloudBag, image_topic: str, camera_info_topic: str | None = None
                 ) -> DepthStream:
    """Return the stream of an image topic, its CameraInfo beside it where no topic is given.

    Raises ConfigError, with the topics there are, when the bag lacks one of the two.
    """
    stream = DepthStream(image=image_topic, camera_info=camera_info_topic
                         or sibling_info_topic(image_topic))
    for topic, kind in ((stream.image, IMAGE_TYPE), (stream.camera_info, CAMERA_INFO_TYPE)):
        topics = bag.topics_of(kind)
        if topic not in topics:
            name = kind.rpartition('/')[2]
            raise ConfigError(f'{bag.path} has no {name} topic {topic!r}; it has: '
                              f'{", ".join(topics) or "none"}')
    return stream


def depth_topics(bag: CloudBag) -> list[str]:
    """Return the Image topics with `depth` in their names, else those with images that hold depth.

    The encoding of the first image decides, since many cameras call the topic `image_rect_raw`.
    """
    images = list(bag.topics_of(IMAGE_TYPE))
    return ([name for name in images if 'depth' in name]
            or [name for name in images
                if any(holds_depth(image) for _, _, image in islice(bag.messages([name]), 1))])


def only_topic(bag: CloudBag, *, depth: bool = False) -> str:
    """Return the only cloud topic, or without any, the only one of depth images.

    With `depth` it is the image topic in any case. Raises ConfigError, with the topics there are.
    """
    images = list(bag.topics_of(IMAGE_TYPE))
    if not depth and (bag.topics or not images):
        return bag.choose_topic()
    depths = depth_topics(bag)
    if len(depths) != 1:
        clouds = '' if depth else 'no PointCloud2 topic, and '
        raise ConfigError(f'{bag.path} has {clouds}{len(depths)} depth image topics, choose one '
                          f'with --topic; its Image topics: {", ".join(images) or "none"}')
    return depths[0]


def recorded_depths(bag: CloudBag, stream: DepthStream) -> Iterator[tuple[int, RecordedDepth]]:
    """Yield (time of recording in ns, depth image with CameraInfo), oldest first.

    Of the recorded CameraInfo messages an image gets the one of the nearest stamp: a camera's
    intrinsics hold until they change, so that a single one, latched, serves all images. Raises
    ConfigError when there is none.
    """
    infos = sorted(((stamp_ns(message), message) for _, _, message
                    in bag.messages([stream.camera_info])), key=lambda pair: pair[0])
    if not infos:
        raise ConfigError(f'{bag.path} has no CameraInfo message on {stream.camera_info}')
    stamps_ns = [stamp for stamp, _ in infos]
    for time_ns, _, image in bag.messages([stream.image], noun='depth image'):
        yield time_ns, RecordedDepth(image=image,
                                     camera_info=infos[_nearest(stamps_ns, stamp_ns(image))][1])


def stamp_ns(message: Any) -> int:
    """Return the stamp of a message's header in nanoseconds."""
    stamp = message.header.stamp
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def _nearest(sorted_ns: list[int], wanted_ns: int) -> int:
    """Return the index of the nearest of some sorted numbers."""
    after = bisect_left(sorted_ns, wanted_ns)
    return min((index for index in (after - 1, after) if 0 <= index < len(sorted_ns)),
               key=lambda index: abs(sorted_ns[index] - wanted_ns))
