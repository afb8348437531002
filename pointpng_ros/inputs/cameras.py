"""The cloud topics of the node: each with its subscription, its newest cloud, its figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
import time
from typing import TYPE_CHECKING

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from pointpng_core.errors import ConfigError
from pointpng_ros.health.frame_statistics import FrameStatistics
from pointpng_ros.inputs.cloud_topics import check_topic_name, cloud_qos
from pointpng_ros.inputs.silence_watch import CloudWatch
from pointpng_ros.parameters.node_config import NodeConfig

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.tracking.frame_result import ObjectState


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A cloud on its way to the worker."""

    message: PointCloud2
    received_s: float
    slot: int
    """The camera's number; the one after the last camera is the reference topic's."""


@dataclass(kw_only=True)
class Camera:
    """One cloud topic; several cameras of a node have names, a single one has none."""

    name: str
    topic: str
    watch: CloudWatch
    frame_prefix: str = ''
    statistics: FrameStatistics = field(default_factory=FrameStatistics)
    newest: PointCloud2 | None = None
    received_s: float = 0.0
    """Arrival of the newest cloud, of time.monotonic()."""
    states: 'Sequence[ObjectState]' = ()
    """The object states after its last processed cloud."""

    @property
    def suffix(self) -> str:
        """Return the name of the camera in the diagnostics."""
        return f' of {self.name}' if self.name else ''

    def child_frame(self, child_frame: str) -> str:
        """Return the frame of an object that this camera sees, unique among all cameras."""
        return self.frame_prefix + (f'{self.name}_{child_frame}' if self.name else child_frame)


def camera_topics(config: NodeConfig) -> list[str]:
    """Return the topics of the parameter cloud_topic; raises ConfigError for an unusable one."""
    topics = [topic.strip() for topic in config.cloud_topic.split(',')]
    for topic in topics:
        check_topic_name('cloud_topic', topic)
        if topics.count(topic) > 1:
            raise ConfigError(f'cloud_topic = {config.cloud_topic!r} names {topic} twice')
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
    """Subscribe to the camera topics; every cloud becomes its camera's newest and is delivered."""
    cameras, topics = [], camera_topics(config)
    for slot, (name, topic) in enumerate(zip(camera_names(topics), topics)):
        watch = _watch(node, config, topic)
        cameras.append(Camera(name=name, topic=topic, watch=watch,
                              frame_prefix=config.frame_prefix))
        _listen(node, config, cameras[-1], _receiver(cameras[-1], slot, deliver), group)
    return cameras


def subscribe_reference(node: Node, config: NodeConfig, slot: int,
                        deliver: Callable[[Arrival], None], group: CallbackGroup) -> Camera:
    """Subscribe to the reference topic, on which a single cloud is enough."""
    topic = config.reference_topic
    check_topic_name('reference_topic', topic)
    watch = _watch(node, config, topic, parameter='reference_topic', steady=False)
    camera = Camera(name='reference', topic=topic, watch=watch)
    _listen(node, config, camera, _receiver(camera, slot, deliver), group)
    return camera


def _watch(node: Node, config: NodeConfig, topic: str, *, parameter: str = 'cloud_topic',
           steady: bool = True) -> CloudWatch:
    return CloudWatch(node, topic=topic, reliability=config.cloud_reliability,
                      timeout_s=config.cloud_timeout_s, parameter=parameter, steady=steady)


def _listen(node: Node, config: NodeConfig, camera: Camera,
            receive: Callable[[PointCloud2], None], group: CallbackGroup) -> None:
    node.create_subscription(
        PointCloud2, camera.topic, receive, cloud_qos(config.cloud_reliability),
        event_callbacks=camera.watch.event_callbacks(), callback_group=group)


def _receiver(camera: Camera, slot: int, deliver: Callable[[Arrival], None]
              ) -> Callable[[PointCloud2], None]:
    def receive(message: PointCloud2) -> None:
        camera.watch.saw_cloud()
        camera.statistics.count_received()
        camera.newest, camera.received_s = message, time.monotonic()
        deliver(Arrival(message=message, received_s=camera.received_s, slot=slot))
    return receive


def _shared(parts: Sequence[Sequence[str]]) -> int:
    """Return how many first entries all have in common."""
    same = [len(set(column)) == 1 for column in zip(*parts)]
    return next((index for index, equal in enumerate(same) if not equal), len(same))
