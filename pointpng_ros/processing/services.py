"""The node's services: ~/set_reference, ~/reset, ~/enable."""

from collections.abc import Callable
from typing import TypeAlias

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

from pointpng_core.text import printable

Action = Callable[[], str]
Request: TypeAlias = Trigger.Request | SetBool.Request
Response: TypeAlias = Trigger.Response | SetBool.Response


class NodeServices:
    """Offers actions of a node as services.

    Each action returns what it did, or raises an exception that becomes the refusal's message.
    """

    def __init__(self, node: Node, group: CallbackGroup, *, set_reference: Action, reset: Action,
                 enable: Callable[[bool], str]) -> None:
        self._node = node
        for service, name, act in (
                (Trigger, 'set_reference', lambda request: set_reference()),
                (Trigger, 'reset', lambda request: reset()),
                (SetBool, 'enable', lambda request: enable(request.data))):
            node.create_service(service, f'~/{name}', self._serving(act), callback_group=group)

    def _serving(self, act: Callable[[Request], str]
                 ) -> Callable[[Request, Response], Response]:
        def serve(request: Request, response: Response) -> Response:
            try:
                response.message, response.success = act(request), True
            except Exception as error:   # an exception would end the executor
                response.message, response.success = str(error), False
            self._node.get_logger().info(printable(f'service: {response.message}'))
            return response
        return serve
