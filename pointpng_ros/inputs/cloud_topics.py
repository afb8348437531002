"""Topics of clouds and images: kinds, QoS, names, and those that are published."""

from dataclasses import dataclass

from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.validate_topic_name import validate_topic_name

from pointpng_core.errors import ConfigError

CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'
IMAGE_TYPE = 'sensor_msgs/msg/Image'
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
SEGMENT_TOPIC = 'pointpng/segments'
"""The clouds that a pose_estimator publishes; relative, as its other topics."""
_RELIABILITY = {'best_effort': ReliabilityPolicy.BEST_EFFORT,
                'reliable': ReliabilityPolicy.RELIABLE}


@dataclass(frozen=True, kw_only=True)
class InputKind:
    """What a topic of the input carries: its message type, and what one message is called."""

    message_type: str
    noun: str
    plural: str
    parameter: str
    """The parameter that names the topic."""

    @property
    def type_name(self) -> str:
        """Return the message type without its package."""
        return self.message_type.rpartition('/')[2]


CLOUDS = InputKind(message_type=CLOUD_TYPE, noun='cloud', plural='clouds',
                   parameter='cloud_topic')
REFERENCE_CLOUDS = InputKind(message_type=CLOUD_TYPE, noun='cloud', plural='clouds',
                             parameter='reference_topic')
DEPTH_IMAGES = InputKind(message_type=IMAGE_TYPE, noun='depth image', plural='depth images',
                         parameter='depth_topic')
CAMERA_INFOS = InputKind(message_type=CAMERA_INFO_TYPE, noun='CameraInfo',
                         plural='CameraInfo messages', parameter='camera_info_topic')
MASKS = InputKind(message_type=IMAGE_TYPE, noun='mask', plural='masks', parameter='mask_topic')


def cloud_qos(reliability: str, *, depth: int = 1) -> QoSProfile:
    """Return the profile of an input: 'best_effort' or 'reliable', volatile, keep last."""
    return QoSProfile(reliability=_RELIABILITY[reliability], durability=DurabilityPolicy.VOLATILE,
                      history=HistoryPolicy.KEEP_LAST, depth=depth)


def check_topic_name(asked_by: str, name: str) -> None:
    """Raise ConfigError when ROS would not take the name; `asked_by` is the parameter's name."""
    try:
        validate_topic_name(name)
    except InvalidTopicNameException as error:
        reason = str(error).splitlines()[0].rstrip(':')    # a drawing of the place follows
        raise ConfigError(f'{asked_by} = {name!r} is no topic name: {reason}') from error


def published_topics(node: Node, message_type: str) -> list[str]:
    """Return the names of the topics of a type that may serve a node as input.

    Without those that it publishes itself, by whatever name the graph knows it, and those that
    another pose_estimator publishes.
    """
    own = {publisher.topic_name for publisher in node.publishers}
    return sorted(name for name, types in node.get_topic_names_and_types()
                  if message_type in types and name not in own
                  and not name.endswith(f'/{SEGMENT_TOPIC}') and node.count_publishers(name))
