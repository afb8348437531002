"""Publishers and subscriptions whose QoS a user can override by parameters, as in rclcpp.

qos_overrides./pointpng/pose.publisher.reliability: best_effort
"""

from copy import copy
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSPolicyKind, QoSProfile
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions
from rclpy.subscription import Subscription

from pointpng_core.errors import ConfigError

POLICIES = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY,
            QoSPolicyKind.DURABILITY)


def create_publisher(node: Node, message_type: Any, topic: str, qos: QoSProfile | int
                     ) -> Publisher:
    """Return a publisher; raises ConfigError for an override that is no QoS."""
    return _created(node.create_publisher, message_type, topic, _copied(qos), entity_id=None)


def create_subscription(node: Node, message_type: Any, topic: str, receive: Any,
                        qos: QoSProfile | int, *, entity_id: str | None = None, **options: Any
                        ) -> Subscription:
    """Return a subscription; `entity_id` parts a second one of a topic from the first.

    Raises ConfigError for an override that is no QoS.
    """
    return _created(node.create_subscription, message_type, topic, receive, _copied(qos),
                    entity_id=entity_id, **options)


def _created(create: Any, message_type: Any, topic: str, *words: Any, entity_id: str | None,
             **options: Any) -> Any:
    overriding = QoSOverridingOptions(POLICIES, entity_id=entity_id)
    try:
        return create(message_type, topic, *words, qos_overriding_options=overriding, **options)
    except (InvalidQosOverridesError, RuntimeError) as error:
        if 'QoS override' not in str(error):
            raise
        raise ConfigError(f'qos_overrides of {topic}: {error}') from error


def _copied(qos: QoSProfile | int) -> QoSProfile:
    """Return a profile of its own: rclpy writes the overrides into the one it is given."""
    return QoSProfile(depth=qos) if isinstance(qos, int) else copy(qos)
