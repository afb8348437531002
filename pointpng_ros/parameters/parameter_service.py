"""The parameter services of a node that takes a whole parameter file as one change."""

from collections.abc import Sequence

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService


class BatchParameterService(ParameterService):
    """rclpy's services, but `set_parameters` makes one change of its list, as far as that goes.

    rclpy sets them one by one, and `ros2 param load` sends a whole file: each would exchange
    model and library. For nodes made with `start_parameter_services=False`.
    """

    def _set_parameters_callback(self, request: SetParameters.Request,
                                 response: SetParameters.Response) -> SetParameters.Response:
        parameters = [Parameter.from_parameter_msg(each) for each in request.parameters]
        response.results = set_together(self._get_node(), parameters)
        return response


def set_together(node: Node, parameters: Sequence[Parameter]) -> list[SetParametersResult]:
    """Set parameters at once, or one by one where that is refused; returns a result for each.

    What has its value already is a success, also for a read-only parameter.
    """
    results = [SetParametersResult(successful=True) for _ in parameters]
    changes = [(number, parameter) for number, parameter in enumerate(parameters)
               if not _unchanged(node, parameter)]
    together = [(number, parameter) for number, parameter in changes
                if _settable(node, parameter.name)]
    names = [parameter.name for _, parameter in together]
    if len(set(names)) == len(names) > 1 and _set(
            node, [parameter for _, parameter in together]).successful:
        changes = [change for change in changes if change not in together]
    for number, parameter in changes:
        results[number] = _set(node, [parameter])
    return results


def _unchanged(node: Node, parameter: Parameter) -> bool:
    if not node.has_parameter(parameter.name):
        return False
    present = node.get_parameter(parameter.name)
    return (present.type_, present.value) == (parameter.type_, parameter.value)


def _settable(node: Node, name: str) -> bool:
    return node.has_parameter(name) and not node.describe_parameter(name).read_only


def _set(node: Node, parameters: list[Parameter]) -> SetParametersResult:
    try:
        return node.set_parameters_atomically(parameters)
    except ParameterNotDeclaredException as error:
        return SetParametersResult(successful=False, reason=str(error))
