"""ROS parameters declared from the configs, read back as configs, and changed while running."""

from collections.abc import Callable, Mapping, Sequence
import sys
import traceback

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
import rclpy
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from pointpng_core.config import Config
from pointpng_core.errors import ConfigError, PointPngError
from pointpng_core.text import nearest, printable
from pointpng_ros.parameters.parameter_specs import (
    ParameterGroup,
    ParameterSpec,
    Scalar,
    with_values,
)

Configs = dict[str, Config]       # by the prefix of their group
_INT64 = 2**63 - 1
_ROS_OWN = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


def declare_parameters(node: Node, groups: Sequence[ParameterGroup]) -> Configs:
    """Declare every parameter and return the configs with the values given to the node.

    Raises ConfigError naming parameter and value when one is of the wrong type, out of range or
    not among the choices. A value for a parameter that does not exist is a warning with the
    nearest name: parameter files are shared among nodes.
    """
    specs = [spec for group in groups for spec in group.specs()]
    values = {spec.name: _declare(node, spec) for spec in specs}
    _warn_about_unknown(node, list(values))
    return _build(groups, values)


def watch_parameters(node: Node, groups: Sequence[ParameterGroup], *,
                     prepare: Callable[[Configs, set[str]], None],
                     on_change: Callable[[Configs], None]) -> None:
    """Check later changes against the configs; `on_change` gets all configs with the new values.

    `prepare` gets them before, with the names whose values differ, and may refuse by raising. A
    change that it or the configs refuse is refused to the caller with the error's message. Where
    no value differs neither is called. Integers for doubles become doubles.
    """
    specs = {spec.name: spec for group in groups for spec in group.specs()}
    names = set(specs)
    changed: set[str] = set()

    def refuse(changes: list[Parameter]) -> SetParametersResult:
        nonlocal changed
        changed = {change.name for change in changes if change.name in names
                   and change.value != node.get_parameter(change.name).value}
        try:
            if changed:
                prepare(_build(groups, _current(node, names, changes)), changed)
        except PointPngError as error:
            return SetParametersResult(successful=False, reason=str(error))
        except Exception as error:       # it would end the executor, and the caller would wait
            if rclpy.ok():               # not a signal while a library is loaded
                node.get_logger().error(printable(
                    ''.join(traceback.format_exception(error)), lines=True))
            return SetParametersResult(successful=False,
                                       reason=printable(f'{type(error).__name__}: {error}'))
        return SetParametersResult(successful=True)

    def apply(changes: list[Parameter]) -> None:
        if changed:
            on_change(_build(groups, _current(node, names, changes)))

    node.add_pre_set_parameters_callback(
        lambda changes: [_as_declared(specs.get(change.name), change) for change in changes])
    node.add_on_set_parameters_callback(refuse)
    node.add_post_set_parameters_callback(apply)


def describe(spec: ParameterSpec) -> ParameterDescriptor:
    """Return the ROS descriptor: text with unit and choices, range, read-only unless live."""
    choices = f'One of: {", ".join(spec.choices)}.' if spec.choices else ''
    unit = f' [{spec.unit}]' if spec.unit else ''
    descriptor = ParameterDescriptor(
        description=spec.help + unit, additional_constraints=choices, read_only=not spec.live)
    if spec.low is None and spec.high is None:
        return descriptor
    if isinstance(spec.default, float):
        descriptor.floating_point_range = [FloatingPointRange(
            from_value=float(_or(spec.low, -sys.float_info.max)),
            to_value=float(_or(spec.high, sys.float_info.max)), step=0.0)]
    else:
        descriptor.integer_range = [IntegerRange(
            from_value=int(_or(spec.low, -_INT64)), to_value=int(_or(spec.high, _INT64)), step=1)]
    return descriptor


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _declare(node: Node, spec: ParameterSpec) -> Scalar:
    given = _overrides(node).get(spec.name)
    whole = given is not None and _as_declared(spec, given) is not given      # `-p x:=1`
    try:
        return node.declare_parameter(
            spec.name, float(given.value) if given and whole else spec.default, describe(spec),
            ignore_override=whole).value
    except ParameterException as error:
        allowed = f', allowed: {spec.allowed} {spec.unit}'.rstrip() if spec.allowed else ''
        raise ConfigError(f'parameter {spec.name} refused: {error} '
                          f'(type {type(spec.default).__name__}{allowed})') from error


def _as_declared(spec: ParameterSpec | None, given: Parameter) -> Parameter:
    """Return an integer that is given for a double as a double, anything else as it is."""
    if spec and isinstance(spec.default, float) and given.type_ == Parameter.Type.INTEGER:
        return Parameter(given.name, Parameter.Type.DOUBLE, float(given.value))
    return given


def _overrides(node: Node) -> Mapping[str, Parameter]:
    """Return the values given to the node at its start."""
    overrides: Mapping[str, Parameter] = getattr(node, '_parameter_overrides', {})
    return overrides


def _build(groups: Sequence[ParameterGroup], values: Mapping[str, Scalar]) -> Configs:
    return {group.prefix: with_values(group.defaults, group.prefix, values) for group in groups}


def _current(node: Node, names: set[str], changes: list[Parameter]) -> dict[str, Scalar]:
    values = {name: node.get_parameter(name).value for name in names}
    return values | {change.name: change.value for change in changes}


def _warn_about_unknown(node: Node, names: list[str]) -> None:
    for name in _overrides(node):
        if name not in names and not name.startswith(_ROS_OWN):
            near = nearest(name, names)
            hint = f'; did you mean {near!r}?' if near else ''
            node.get_logger().warning(
                printable(f'parameter {name!r} does not exist here: ignored{hint}'))
