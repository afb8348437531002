"""Warns of a second node with the same name: both answer services, and both publish."""

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from pointpng_core.text import printable

PERIOD_S = 2.0


class DuplicateNodeWatch:
    """Counts the nodes with the node's own name every few seconds and logs a warning."""

    def __init__(self, node: Node, group: CallbackGroup) -> None:
        self._node = node
        self._others = 0
        node.create_timer(PERIOD_S, self.check, callback_group=group,
                          clock=Clock(clock_type=ClockType.STEADY_TIME))

    def check(self) -> None:
        """Count the nodes of this name; called by a timer."""
        own = (self._node.get_name(), self._node.get_namespace())
        others = self._node.get_node_names_and_namespaces().count(own) - 1
        if others > max(0, self._others):
            self._node.get_logger().warning(printable(
                f'{others + 1} nodes are named {self._node.get_fully_qualified_name()}: each '
                'publishes its own poses, and either answers services and parameters. Fix: stop '
                'one, or start it with --ros-args -r __node:=NAME or -r __ns:=/NAMESPACE'))
        self._others = others
