"""Topics of a bag that are played: clouds, and depth images with their CameraInfo."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from pointpng_core.errors import ConfigError
from pointpng_core.io.bags.camera_info import sibling_info_topic
from pointpng_core.io.bags.depth_recording import depth_stream, only_topic
from pointpng_core.io.bags.reader import IMAGE_TYPE, CloudBag
from pointpng_ros.messages.cloud_message import ros_cloud
from pointpng_ros.messages.depth_messages import ros_camera_info, ros_image


@dataclass(frozen=True, kw_only=True)
class RecordedTopic:
    """One topic of a bag, and how its messages are published."""

    name: str
    message_type: type
    convert: Callable[[Any], Any]
    """From rosbags' message to rclpy's."""
    published: str
    noun: str = ''
    """What a message is called; empty for CameraInfo, which only accompanies the images."""
    latched: bool = False
    """Whether late subscribers get it too; a bag may hold a single CameraInfo."""
    raw: bool = False
    """Whether messages are published as the bytes that were recorded."""
    camera_info: str = ''
    """Of depth images: the topic of their CameraInfo, without which they are of no use."""


def subscribed(topics: Iterable[RecordedTopic], subscribers: Callable[[str], int]) -> bool:
    """Return whether clouds, or depth images and their CameraInfo, have a subscriber each.

    `subscribers` counts those of a topic by its name in the bag. Of one node they are discovered
    one after the other, in any order.
    """
    return any(subscribers(topic.name) and (not topic.camera_info
                                            or subscribers(topic.camera_info))
               for topic in topics if topic.noun)


def recorded_topics(bag: CloudBag, asked: Sequence[str], *, publish_as: str | None = None,
                    camera_info: str | None = None, depth: bool = False) -> list[RecordedTopic]:
    """Return the topics to play: those asked for, or the only one.

    Without a name the only cloud topic is played, or with `depth`, or where there are no clouds,
    the only depth image topic. `publish_as` is the name to publish a single topic under. Depth
    images come with the CameraInfo on `camera_info`, or beside them. Raises ConfigError for topics
    that the bag has not.
    """
    names = list(asked) or [only_topic(bag, depth=depth)]
    if publish_as and len(names) > 1:
        raise ConfigError(f'--as {publish_as} is one name for {len(names)} topics: play one topic')
    images = [name for name in names if name in bag.topics_of(IMAGE_TYPE)]
    if camera_info and len(images) != 1:
        raise ConfigError(f'--camera-info {camera_info} belongs to one Image topic, but '
                          f'{len(images)} are played')
    topics = [_cloud(bag.choose_topic(name), publish_as) for name in names if name not in images]
    for name in images:
        topics += _depth(bag, name, publish_as, camera_info)
    return topics


def _cloud(name: str, publish_as: str | None) -> RecordedTopic:
    return RecordedTopic(name=name, message_type=PointCloud2, convert=ros_cloud, noun='cloud',
                         published=publish_as or name)


def _depth(bag: CloudBag, name: str, publish_as: str | None, camera_info: str | None
           ) -> list[RecordedTopic]:
    stream = depth_stream(bag, name, camera_info)
    published = publish_as or name
    info = sibling_info_topic(published) if publish_as else stream.camera_info
    return [RecordedTopic(name=name, message_type=Image, convert=ros_image, noun='depth image',
                          published=published, camera_info=stream.camera_info),
            RecordedTopic(name=stream.camera_info, message_type=CameraInfo,
                          convert=ros_camera_info, published=info, latched=True)]
