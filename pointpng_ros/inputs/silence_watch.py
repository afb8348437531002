"""Logs why nothing arrives on an input: QoS that does not match, a silent or a wrong topic."""

from collections.abc import Sequence
from dataclasses import dataclass
import time

from rclpy.clock import Clock, ClockType
from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import (
    qos_policy_name_from_kind,
)
from rclpy.topic_endpoint_info import TopicEndpointInfo

from pointpng_core.errors import MissingDependencyError
from pointpng_core.text import printable
from pointpng_ros.health.optional_packages import share_directory
from pointpng_ros.inputs.cloud_topics import (
    CLOUDS,
    DEPTH_IMAGES,
    IMAGE_TYPE,
    InputKind,
    published_topics,
)

LARGE_CLOUDS_PROFILE = 'fastdds_large_clouds.xml'
REPEAT_S = 30.0
ENDED = 'its publisher has left'


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """A publisher of the topic: node, message type, reliability."""

    node: str
    topic_type: str
    reliability: str


def explain_silence(topic: str, reliability: str, publishers: Sequence[Publisher],
                    others: Sequence[str], *, kind: InputKind = CLOUDS,
                    depth_images: Sequence[str] = ()) -> str:
    """Return why nothing comes on a topic of the kind, as far as known, and the fix.

    `others` are published topics of the same type; `depth_images` of a camera without clouds.
    """
    if not publishers:
        return f'nobody publishes {topic}. {_instead(kind, others, depth_images)}'
    known = 'Publishers: ' + '; '.join(
        f'{p.node} ({p.topic_type}, {p.reliability})' for p in publishers) + '. '
    usable = [p for p in publishers if p.topic_type == kind.message_type]
    if not usable:
        return (f'{known}None of them publishes {kind.message_type}. Fix: another '
                f'{kind.parameter}')
    if reliability == 'reliable' and all(p.reliability == 'best_effort' for p in usable):
        return (f'{known}This node asks for reliable, which a best_effort publisher never '
                'matches. Fix: -p cloud_reliability:=best_effort')
    if reliability == 'reliable':
        return (f'{known}Their QoS matches: it is paused, or it was killed, or the network drops '
                f'large {kind.plural}. Fix: start the publisher again')
    matched = (f'{known}It is paused, or it was killed, or its {kind.plural} are lost: '
               f"best-effort {kind.plural} larger than the publisher's shared-memory segment "
               '(512 kB) mostly are. Fix: ')
    if any(p.reliability == 'reliable' for p in usable):
        return f'{matched}-p cloud_reliability:=reliable'
    return (f'{matched}start the publisher with FASTRTPS_DEFAULT_PROFILES_FILE='
            f'{_large_clouds_profile()}, or let it be reliable and '
            'set -p cloud_reliability:=reliable')


def _instead(kind: InputKind, others: Sequence[str], depth_images: Sequence[str]) -> str:
    """Return what is published instead, and how to use it."""
    if others:
        return (f'{kind.type_name} topics published now: {", ".join(others)}. '
                f'Fix: -p {kind.parameter}:={others[0]}')
    nothing = f'No {kind.type_name} topic is published now'
    if depth_images:
        return (f'{nothing}, but depth images are: {", ".join(depth_images)}. '
                f'Fix: -p input:=depth -p depth_topic:={depth_images[0]}')
    return f'{nothing}: start the camera driver, or check ROS_DOMAIN_ID and the network.'


def _node_name(info: TopicEndpointInfo) -> str:
    """Return the full name of a publisher's node; DDS may report the publisher first."""
    if 'UNKNOWN' in info.node_name:
        return 'a node whose name is not known yet'
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'


def _large_clouds_profile() -> str:
    try:
        return str(share_directory() / 'config' / LARGE_CLOUDS_PROFILE)
    except MissingDependencyError:
        return LARGE_CLOUDS_PROFILE


class TopicWatch:
    """Watches one topic: call `saw` for every message; the explanations go to the node's log.

    `timeout_s` is the silence after which it explains, and again when the reason changes and
    every 30 s. Without `steady`, only a missing first message is explained. That the publisher of
    earlier messages has left is said once, and no warning: so every bag ends. A publisher that is
    there but silent, or was killed and is still announced, is explained.
    """

    def __init__(self, node: Node, *, topic: str, reliability: str, timeout_s: float,
                 kind: InputKind = CLOUDS, steady: bool = True) -> None:
        self._node = node
        self.kind = kind
        self._steady = steady
        self._topic = node.resolve_topic_name(topic)
        self._reliability = reliability
        self._timeout_s = timeout_s
        self._started_s = time.monotonic()
        self._last_s: float | None = None
        self._reason = ''                # the last one in the log; empty while they arrive
        self._explained_s = 0.0
        self._timer = node.create_timer(
            min(timeout_s / 2, 1.0), self.check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def silent_s(self) -> float | None:
        """Return the seconds since the last message; None before the first."""
        return None if self._last_s is None else time.monotonic() - self._last_s

    def event_callbacks(self) -> SubscriptionEventCallbacks:
        """Return the callbacks for the subscription."""
        return SubscriptionEventCallbacks(incompatible_qos=self._explain_qos)

    def saw(self) -> None:
        """Note that a message has arrived."""
        if self._reason:
            silence_s = time.monotonic() - (self._last_s or self._started_s)
            self._node.get_logger().info(printable(
                f'{self.kind.plural} on {self._topic} after {silence_s:.1f} s'))
            self._reason = ''
        self._last_s = time.monotonic()

    def check(self) -> None:
        """Explain a silence that has lasted long enough; called by a timer."""
        now_s = time.monotonic()
        silence_s = now_s - (self._last_s or self._started_s)
        if silence_s < self._timeout_s or not (self._steady or self._last_s is None):
            return
        if self._last_s is not None and not self._publishers():
            self._tell_the_end()
            return
        others = [name for name in published_topics(self._node, self.kind.message_type)
                  if name != self._topic]
        if self.kind == DEPTH_IMAGES:    # colour images are of the same type
            others.sort(key=lambda name: 'depth' not in name)
        reason = self._explained(others)
        if reason == self._reason and now_s - self._explained_s < REPEAT_S:
            return
        self._reason, self._explained_s = reason, now_s
        self._node.get_logger().warning(printable(
            f'no {self.kind.noun} on {self._topic} for {silence_s:.1f} s: {reason}'))

    def _tell_the_end(self) -> None:
        """Say once that the publisher has left: a bag that is over is no fault."""
        if self._reason != ENDED:
            self._node.get_logger().info(printable(
                f'no {self.kind.plural} on {self._topic} any more: the bag is over or the camera '
                'driver has ended; waiting for a publisher'))
        self._reason = ENDED

    def _publishers(self) -> list[Publisher]:
        return [Publisher(node=_node_name(info),
                          topic_type=info.topic_type,
                          reliability=info.qos_profile.reliability.name.lower())
                for info in self._node.get_publishers_info_by_topic(self._topic)]

    def _explain_qos(self, event: QoSRequestedIncompatibleQoSInfo) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        self._node.get_logger().error(printable(
            f'a publisher of {self._topic} offers an incompatible {policy}: no '
            f'{self.kind.noun} of it will arrive. {self._explained([])}'))

    def _explained(self, others: Sequence[str]) -> str:
        publishers = self._publishers()
        depth_images = [name for name in published_topics(self._node, IMAGE_TYPE)
                        if 'depth' in name
                        ] if self.kind == CLOUDS and not (publishers or others) else []
        return explain_silence(self._topic, self._reliability, publishers, others,
                               kind=self.kind, depth_images=depth_images)
