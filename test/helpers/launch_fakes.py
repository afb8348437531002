"""Fakes of `launch` and `launch_ros`, which PyPI lacks: what the launch files here need.

test/ros/test_launch.py runs the same files with the real packages, where they are installed.
"""

from collections.abc import Iterator
import importlib.util
from pathlib import Path
import sys
import types
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / 'launch'


class Recorded:
    """Keeps what it was made with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs


class Node(Recorded):
    """A process to start."""


class Argument(Recorded):
    """DeclareLaunchArgument."""

    @property
    def name(self) -> str:
        return self.args[0]


class Configuration(Recorded):
    """LaunchConfiguration; a context is a dict of the values here."""

    def perform(self, context: dict[str, str]) -> str:
        return context[self.args[0]]


class Description(list):
    """LaunchDescription."""

    def get_launch_arguments(self) -> list[Argument]:
        return [entity for entity in self if isinstance(entity, Argument)]


class Opaque(Recorded):
    """OpaqueFunction."""


class Group(Recorded):
    """GroupAction: what is set inside stays inside."""


class Include(Recorded):
    """IncludeLaunchDescription of a file."""


def typed_value(value: str, *, value_type: type) -> Any:
    """ParameterValue: never guessed from how the text looks."""
    return value_type(value)


def described(path: str) -> Description:
    """Load a launch file and return its description."""
    spec = importlib.util.spec_from_file_location(Path(path).stem.partition('.')[0], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate_launch_description()


def started(description: Description, **given: str) -> Iterator[dict[str, Any]]:
    """Yield the keywords of each node that a description starts with these arguments."""
    values = {item.name: item.kwargs['default_value']
              for item in description.get_launch_arguments()} | given
    for entity in description:
        if isinstance(entity, Opaque):
            yield from _nodes(entity.kwargs['function'](values), values)


def _nodes(entities: list[Any], values: dict[str, str]) -> Iterator[dict[str, Any]]:
    for entity in entities:
        if isinstance(entity, Node):
            yield entity.kwargs
        elif isinstance(entity, Group):
            yield from _nodes(entity.args[0], dict(values))
        elif isinstance(entity, Include):
            values.update(entity.kwargs['launch_arguments'])
            yield from started(described(entity.args[0]), **values)


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the fakes in the place of the packages."""
    fakes = {
        'ament_index_python': {}, 'launch': {'LaunchDescription': Description}, 'launch_ros': {},
        'ament_index_python.packages': {'get_package_share_directory': lambda _: str(ROOT)},
        'launch.actions': {'DeclareLaunchArgument': Argument, 'OpaqueFunction': Opaque,
                           'GroupAction': Group, 'IncludeLaunchDescription': Include},
        'launch.launch_description_sources': {
            'PythonLaunchDescriptionSource': str,
            'get_launch_description_from_python_launch_file': described},
        'launch.substitutions': {'LaunchConfiguration': Configuration},
        'launch_ros.actions': {'Node': Node},
        'launch_ros.parameter_descriptions': {'ParameterValue': typed_value},
    }
    for name, members in fakes.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
