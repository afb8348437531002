"""`qos_overrides.` have an effect on every topic, and a word that is no QoS is refused."""

from pathlib import Path
import re

from geometry_msgs.msg import TransformStamped
import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from pointpng_core.errors import ConfigError
import pointpng_ros
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.parameters.qos_overrides import create_publisher, create_subscription
from pointpng_ros.processing.pose_publisher import PosePublisher


@pytest.fixture
def node_with():
    """Makes nodes with parameter overrides, in a context of their own."""
    context, nodes = Context(), []
    rclpy.init(context=context)

    def make(**overrides):
        values = [Parameter(f'qos_overrides./{name.replace("__", "/")}', value=value)
                  for name, value in overrides.items()]
        nodes.append(Node('overridden', context=context, parameter_overrides=values))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def qos_of(node, topic, kind='publishers'):
    info, = getattr(node, f'get_{kind}_info_by_topic')(topic)
    return info.qos_profile


def test_every_output_of_the_node_follows_its_override(node_with):
    plain = node_with()
    PosePublisher(plain, NodeConfig())
    topics = [topic for topic, _ in plain.get_publisher_names_and_types_by_node(
        'overridden', '/') if topic.startswith('/pointpng/')]
    assert len(topics) == 5
    assert {qos_of(plain, topic).reliability for topic in topics} == {ReliabilityPolicy.RELIABLE}
    plain.destroy_node()
    other = node_with(**{f'{topic[1:]}.publisher.reliability': 'best_effort' for topic in topics})
    PosePublisher(other, NodeConfig())
    assert {qos_of(other, topic).reliability for topic in topics} == {
        ReliabilityPolicy.BEST_EFFORT}


def test_an_override_is_of_one_topic_only_and_a_parameter(node_with):
    shared = QoSProfile(depth=3)
    node = node_with(**{'a.publisher.reliability': 'best_effort'})
    for topic in ('a', 'b'):
        create_publisher(node, TransformStamped, topic, shared)
    assert qos_of(node, '/a').reliability == ReliabilityPolicy.BEST_EFFORT
    assert qos_of(node, '/b').reliability == shared.reliability == ReliabilityPolicy.RELIABLE
    assert node.get_parameter('qos_overrides./b.publisher.depth').value == 3


def test_an_input_follows_its_override(node_with):
    node = node_with(**{'a.subscription.durability': 'transient_local'})
    create_subscription(node, TransformStamped, 'a', print, 3)
    assert qos_of(node, '/a', 'subscriptions').durability == DurabilityPolicy.TRANSIENT_LOCAL


def test_a_word_that_is_no_qos_is_refused(node_with):
    node = node_with(**{'a.publisher.reliability': 'sometimes'})
    with pytest.raises(ConfigError, match=r'qos_overrides of a: .*sometimes'):
        create_publisher(node, TransformStamped, 'a', 3)


@pytest.mark.parametrize('path', sorted(
    path for room in ('inputs', 'messages', 'nodes', 'processing')
    for path in (Path(pointpng_ros.__file__).parent / room).glob('*.py')), ids=lambda p: p.name)
def test_no_topic_is_made_that_cannot_be_overridden(path):
    assert not re.findall(r'\.create_(?:publisher|subscription)\(', path.read_text())
