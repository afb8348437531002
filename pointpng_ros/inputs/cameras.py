"""The cameras of the node: each with its topic, its newest cloud or depth image, its figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
import time
from typing import TYPE_CHECKING

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from pointpng_core.errors import ConfigError
from pointpng_ros.health.frame_statistics import FrameStatistics
from pointpng_ros.inputs.cloud_topics import (
    CLOUDS,
    DEPTH_IMAGES,
    REFERENCE_CLOUDS,
    InputKind,
    check_topic_name,
    cloud_qos,
)
from pointpng_ros.inputs.depth_frame import DepthFrame
from pointpng_ros.inputs.silence_watch import TopicWatch
from pointpng_ros.parameters.node_config import DEPTH, NodeConfig
from pointpng_ros.parameters.qos_overrides import create_subscription

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.tracking.frame_result import ObjectState


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A cloud, or a depth image, on its way to the worker."""

    message: PointCloud2 | DepthFrame
    received_s: float
    slot: int
    """The camera's number; the one after the last camera is the reference topic's."""


@dataclass(kw_only=True)
class Camera:
    """One camera; several cameras of a node have names, a single one has none.

    `topic` is that of its clouds, or of its depth images.
    """

    name: str
    topic: str
    watch: TopicWatch
    frame_prefix: str = ''
    statistics: FrameStatistics = field(default_factory=FrameStatistics)
    newest: PointCloud2 | DepthFrame | None = None
    received_s: float = 0.0
    """Arrival of the newest cloud, of time.monotonic()."""
    states: 'Sequence[ObjectState]' = ()
    """The object states after its last processed cloud."""
    unmatched: Callable[[], tuple[int, str]] = lambda: (0, '')
    """How many depth images were given up for want of a partner, and which one is missing."""

    @property
    def noun(self) -> str:
        """Return what the camera sends: 'cloud' or 'depth image'."""
        return self.watch.kind.noun

    @property
    def suffix(self) -> str:
        """Return the name of the camera in the diagnostics."""
        return f' of {self.name}' if self.name else ''

    def child_frame(self, child_frame: str) -> str:
        """Return the frame of an object that this camera sees, unique among all cameras."""
        return self.frame_prefix + (f'{self.name}_{child_frame}' if self.name else child_frame)

    def saw(self, message: PointCloud2 | DepthFrame, slot: int) -> Arrival:
        """Keep a complete message as the newest one; returns it as an arrival."""
        self.newest, self.received_s = message, time.monotonic()
        return Arrival(message=message, received_s=self.received_s, slot=slot)


def camera_topics(config: NodeConfig) -> list[str]:
    """Return the topics of the clouds, or of the depth images, one for each camera.

    Raises ConfigError for an unusable one.
    """
    kind, text = ((DEPTH_IMAGES, config.depth_topic) if config.input == DEPTH
                  else (CLOUDS, config.cloud_topic))
    topics = split_topics(kind, text)
    for topic in topics:
        if topics.count(topic) > 1:
            raise ConfigError(f'{kind.parameter} = {text!r} names {topic} twice')
    return topics


def split_topics(kind: InputKind, text: str) -> list[str]:
    """Return the topics of a parameter, which has commas between them; raises ConfigError."""
    topics = [topic.strip() for topic in text.split(',')]
    for topic in topics:
        check_topic_name(kind.parameter, topic)
    return topics


def camera_names(topics: Sequence[str]) -> list[str]:
    """Return a name for each of several topics: the parts in which they differ.

    /left/depth/points and /right/depth/points are left and right; a single topic needs no name.
    Where these parts are not unique, cameras are numbered.
    """
    if len(topics) == 1:
        return ['']
    parts = [topic.strip('~/').split('/') for topic in topics]
    shared_last = _shared([list(reversed(part)) for part in parts])
    short = [part[:len(part) - shared_last] for part in parts]
    shared_first = _shared(short)
    names = ['_'.join(part[shared_first:]) for part in short]
    if all(names) and len(set(names)) == len(names):
        return names
    return [f'camera_{number}' for number in range(len(topics))]


def subscribe(node: Node, config: NodeConfig, deliver: Callable[[Arrival], None],
              group: CallbackGroup) -> list[Camera]:
    """Subscribe to the cloud topics; every cloud becomes its camera's newest and is delivered."""
    cameras, topics = [], camera_topics(config)
    for slot, (name, topic) in enumerate(zip(camera_names(topics), topics)):
        watch = watch_topic(node, config, topic, CLOUDS)
        cameras.append(Camera(name=name, topic=topic, watch=watch,
                              frame_prefix=config.frame_prefix))
        _listen(node, config, cameras[-1], _receiver(cameras[-1], slot, deliver), group)
    return cameras


def subscribe_reference(node: Node, config: NodeConfig, slot: int,
                        deliver: Callable[[Arrival], None], group: CallbackGroup) -> Camera:
    """Subscribe to the reference topic, on which a single cloud is enough."""
    topic = config.reference_topic
    check_topic_name('reference_topic', topic)
    watch = watch_topic(node, config, topic, REFERENCE_CLOUDS, steady=False)
    camera = Camera(name='reference', topic=topic, watch=watch)
    _listen(node, config, camera, _receiver(camera, slot, deliver), group)
    return camera


def watch_topic(node: Node, config: NodeConfig, topic: str, kind: InputKind, *,
                steady: bool = True) -> TopicWatch:
    """Watch a topic of the input; without `steady` until its first message."""
    return TopicWatch(node, topic=topic, reliability=config.cloud_reliability,
                      timeout_s=config.cloud_timeout_s, kind=kind, steady=steady)


def _listen(node: Node, config: NodeConfig, camera: Camera,
            receive: Callable[[PointCloud2], None], group: CallbackGroup) -> None:
    create_subscription(
        node, PointCloud2, camera.topic, receive, cloud_qos(config.cloud_reliability),
        event_callbacks=camera.watch.event_callbacks(), callback_group=group)


def _receiver(camera: Camera, slot: int, deliver: Callable[[Arrival], None]
              ) -> Callable[[PointCloud2], None]:
    def receive(message: PointCloud2) -> None:
        camera.watch.saw()
        camera.statistics.count_received()
        deliver(camera.saw(message, slot))
    return receive


def _shared(parts: Sequence[Sequence[str]]) -> int:
    """Return how many first entries all have in common."""
    same = [len(set(column)) == 1 for column in zip(*parts)]
    return next((index for index, equal in enumerate(same) if not equal), len(same))
