"""Warns of a second node with the same name, and of other nodes that publish on our topics."""

from collections.abc import Sequence

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from pointpng_core.text import printable

PERIOD_S = 2.0


class DuplicateNodeWatch:
    """Counts the nodes with the node's own name every few seconds and logs a warning.

    `outputs` are topics that nobody else should publish on; a node of another name is named once.
    """

    def __init__(self, node: Node, group: CallbackGroup, outputs: Sequence[str] = ()) -> None:
        self._node = node
        self._others = 0
        self._outputs = [node.resolve_topic_name(topic) for topic in outputs]
        self._sharing: set[str] = set()
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
        sharing = self._nodes_on_outputs()
        for name in sorted(sharing - self._sharing):
            self._node.get_logger().warning(printable(
                f'{name} publishes on {", ".join(self._outputs)} too: whoever listens gets the '
                'poses of both, mixed. Fix: start one with --ros-args -r __ns:=/NAMESPACE'))
        self._sharing = sharing

    def _nodes_on_outputs(self) -> set[str]:
        """Return the full names of other nodes that publish on one of the outputs."""
        own = (self._node.get_namespace(), self._node.get_name())
        found = {(info.node_namespace, info.node_name) for topic in self._outputs
                 for info in self._node.get_publishers_info_by_topic(topic)} - {own}
        return {f'{space.rstrip("/")}/{name}' for space, name in found}
