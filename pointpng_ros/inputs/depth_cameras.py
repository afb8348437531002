"""Depth cameras: depth images with CameraInfo, and perhaps masks, put together by stamp."""

from collections.abc import Callable
from dataclasses import dataclass
import functools
import time
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from pointpng_core.errors import ConfigError
from pointpng_core.io.bags.camera_info import names_rectified, sibling_info_topic
from pointpng_core.io.bags.stamp_sync import Matched, StampSynchroniser
from pointpng_ros.inputs.cameras import (
    Arrival,
    Camera,
    camera_names,
    camera_topics,
    split_topics,
    watch_topic,
)
from pointpng_ros.inputs.cloud_topics import (
    CAMERA_INFOS,
    DEPTH_IMAGES,
    MASKS,
    InputKind,
    cloud_qos,
)
from pointpng_ros.inputs.depth_frame import DepthFrame
from pointpng_ros.inputs.silence_watch import TopicWatch
from pointpng_ros.messages.stamps import stamp_ns
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.parameters.qos_overrides import create_subscription

WAIT_S = 0.1
"""How long an image waits for a CameraInfo of its own stamp before it takes the newest."""
LATCHED_PERIOD_S = 0.5
"""How often latched publishers are looked for while something is missing."""
_INFO, _MASK = 'CameraInfo', 'mask'
_QUEUE = 5
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@dataclass(frozen=True, kw_only=True)
class DepthTopics:
    """The topics of one depth camera; `mask` is empty where there is none."""

    image: str
    camera_info: str
    mask: str = ''


def depth_topics(config: NodeConfig) -> list[DepthTopics]:
    """Return the topics of each depth camera; raises ConfigError for unusable ones."""
    images = camera_topics(config)
    infos = _partners(CAMERA_INFOS, config.camera_info_topic, images)
    masks = _partners(MASKS, config.mask_topic, images)
    return [DepthTopics(image=image, camera_info=info or sibling_info_topic(image), mask=mask)
            for image, info, mask in zip(images, infos, masks)]


def _partners(kind: InputKind, text: str, images: list[str]) -> list[str]:
    """Return one topic for each image topic, or '' for each where the parameter is empty."""
    topics = split_topics(kind, text) if text else [''] * len(images)
    if len(topics) != len(images):
        raise ConfigError(f'{kind.parameter} = {text!r} names {len(topics)} topics, depth_topic '
                          f'{len(images)}: give one for each camera, in the same order')
    return topics


def is_rectified(config: NodeConfig, image_topic: str) -> bool:
    """Return whether the images of a topic count as rectified."""
    if config.depth_rectified == 'auto':
        return names_rectified(image_topic)
    return config.depth_rectified == 'always'


def subscribe_depth(node: Node, config: NodeConfig, deliver: Callable[[Arrival], None],
                    group: CallbackGroup) -> list[Camera]:
    """Subscribe to the depth images of all cameras, and to what belongs to them.

    A depth image that is complete becomes its camera's newest and is delivered.
    """
    topics = depth_topics(config)
    names = camera_names([each.image for each in topics])
    return [_DepthCamera(node, config, own, deliver=deliver, group=group).connect(name, slot)
            for slot, (name, own) in enumerate(zip(names, topics))]


class _DepthCamera:
    """The subscriptions of one depth camera; all its callbacks belong to one group."""

    def __init__(self, node: Node, config: NodeConfig, topics: DepthTopics, *,
                 deliver: Callable[[Arrival], None], group: CallbackGroup) -> None:
        self._node, self._config, self._topics = node, config, topics
        self._deliver, self._group = deliver, group
        self._unlatched: dict[str, tuple[Any, str, Callable[[Any], None]]] = {}
        partners = {_INFO: True, _MASK: False} if topics.mask else {_INFO: True}
        self._sync: StampSynchroniser[Any] = StampSynchroniser(
            partners, tolerance_s=config.sync_tolerance_s, wait_s=WAIT_S)

    def connect(self, name: str, slot: int) -> Camera:
        """Subscribe; returns the camera of that name and number."""
        node, config, topics = self._node, self._config, self._topics
        self._slot = slot
        self._camera = Camera(
            name=name, topic=topics.image, frame_prefix=config.frame_prefix,
            watch=watch_topic(node, config, topics.image, DEPTH_IMAGES), unmatched=self._unmatched)
        self._listen(Image, topics.image, self._on_image, self._camera.watch)
        self._partner(CameraInfo, topics.camera_info, _INFO,
                      watch_topic(node, config, topics.camera_info, CAMERA_INFOS, steady=False))
        if topics.mask:
            self._partner(Image, topics.mask, _MASK, watch_topic(node, config, topics.mask, MASKS))
        self._repeat(WAIT_S / 2, lambda: self._forward(self._sync.due(time.monotonic())))
        self._repeat(LATCHED_PERIOD_S, self._subscribe_latched)
        return self._camera

    def _repeat(self, period_s: float, act: Callable[[], None]) -> None:
        self._node.create_timer(period_s, act, callback_group=self._group,
                                clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _partner(self, message_type: Any, topic: str, name: str, watch: TopicWatch) -> None:
        receive = functools.partial(self._on_partner, name, watch)
        self._listen(message_type, topic, receive, watch)
        self._unlatched[name] = message_type, topic, receive

    def _subscribe_latched(self) -> None:
        """Ask latched publishers of what is missing for what they published before we came.

        Only such a subscription gets it, and other publishers would warn of its QoS.
        """
        for name in self._unlatched.keys() & set(self._sync.missing):
            message_type, topic, receive = self._unlatched[name]
            publishers = self._node.get_publishers_info_by_topic(
                self._node.resolve_topic_name(topic))
            if any(info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
                   for info in publishers):
                del self._unlatched[name]
                create_subscription(
                    self._node, message_type, topic, receive, _LATCHED,
                    entity_id='latched', callback_group=self._group,
                    event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False))

    def _listen(self, message_type: Any, topic: str, receive: Callable[[Any], None],
                watch: TopicWatch) -> None:
        create_subscription(
            self._node, message_type, topic, receive,
            cloud_qos(self._config.cloud_reliability, depth=_QUEUE), callback_group=self._group,
            event_callbacks=watch.event_callbacks())

    def _on_image(self, image: Image) -> None:
        self._camera.watch.saw()
        self._camera.statistics.count_received()
        self._forward(self._sync.put_image(stamp_ns(image.header.stamp), image, time.monotonic()))

    def _on_partner(self, name: str, watch: TopicWatch, message: Any) -> None:
        watch.saw()
        self._forward(self._sync.put_partner(name, stamp_ns(message.header.stamp), message,
                                             time.monotonic()))

    def _forward(self, matched: Matched[Any] | None) -> None:
        if matched is None:
            return
        frame = DepthFrame(image=matched.image, camera_info=matched.partners[_INFO],
                           mask=matched.partners.get(_MASK),
                           rectified=is_rectified(self._config, self._topics.image))
        self._deliver(self._camera.saw(frame, self._slot))

    def _unmatched(self) -> tuple[int, str]:
        """Return how many images were given up, and what is missing, for the diagnostics."""
        sync, resolve = self._sync, self._node.resolve_topic_name
        topics = {_INFO: self._topics.camera_info, _MASK: self._topics.mask}
        text = ', '.join(f'no {name} on {resolve(topics[name])}' for name in sync.missing)
        if not text and self._topics.mask and sync.unmatched_in_a_row:
            text = (f'no mask on {resolve(self._topics.mask)} within sync_tolerance_s = '
                    f'{self._config.sync_tolerance_s} s of the stamps of the last '
                    f'{sync.unmatched_in_a_row}')
        return sync.unmatched, text
