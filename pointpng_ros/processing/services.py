"""The node's services: ~/set_reference, ~/reset, ~/enable."""

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

Action = Callable[[], str]


class Control:
    """Serves the actions of a node; each returns what it did, or raises what forbids it."""

    def __init__(self, node: Node, group: CallbackGroup, *, set_reference: Action, reset: Action,
                 enable: Callable[[bool], str]) -> None:
        self._node = node
        for service, name, act in (
                (Trigger, 'set_reference', lambda request: set_reference()),
                (Trigger, 'reset', lambda request: reset()),
                (SetBool, 'enable', lambda request: enable(request.data))):
            node.create_service(service, f'~/{name}', self._serving(act), callback_group=group)

    def _serving(self, act: Callable[[Any], str]) -> Callable[[Any, Any], Any]:
        def serve(request: Any, response: Any) -> Any:
            try:
                response.message, response.success = act(request), True
            except Exception as error:   # an exception would end the executor
                response.message, response.success = str(error), False
            self._node.get_logger().info(f'service: {response.message}')
            return response
        return serve
