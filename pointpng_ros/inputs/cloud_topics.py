"""Topics of clouds: their QoS, their names, and those that are published."""

from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.validate_topic_name import validate_topic_name

from pointpng_core.errors import ConfigError

CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'
_RELIABILITY = {'best_effort': ReliabilityPolicy.BEST_EFFORT,
                'reliable': ReliabilityPolicy.RELIABLE}


def cloud_qos(reliability: str, *, depth: int = 1) -> QoSProfile:
    """Return the profile of a cloud topic: 'best_effort' or 'reliable', volatile, keep last."""
    return QoSProfile(reliability=_RELIABILITY[reliability], durability=DurabilityPolicy.VOLATILE,
                      history=HistoryPolicy.KEEP_LAST, depth=depth)


def check_topic_name(asked_by: str, name: str) -> None:
    """Raise ConfigError when ROS would not take the name; `asked_by` is the parameter's name."""
    try:
        validate_topic_name(name)
    except InvalidTopicNameException as error:
        reason = str(error).splitlines()[0].rstrip(':')    # a drawing of the place follows
        raise ConfigError(f'{asked_by} = {name!r} is no topic name: {reason}') from error


def cloud_topics(node: Node) -> list[str]:
    """Return the names of the PointCloud2 topics that somebody publishes."""
    return sorted(name for name, types in node.get_topic_names_and_types()
                  if CLOUD_TYPE in types and node.count_publishers(name))
