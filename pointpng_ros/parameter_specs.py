"""What each ROS parameter of pose_estimator is, from the configs' metadata; without ROS.

`python -m pointpng_ros.parameter_specs` prints the documentation table,
`python -m pointpng_ros.parameter_specs yaml` the default YAML of config/pose_estimator.yaml.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
from dataclasses import dataclass
import sys
from typing import Any, TypeVar

import yaml

from pointpng_core.config import Config
from pointpng_core.errors import ConfigError
from pointpng_ros.node_config import NodeConfig

AnyConfig = TypeVar('AnyConfig', bound=Config)
LIVE_NODE_PARAMETERS = frozenset({'max_age_s', 'max_points', 'marker_points'})


@dataclass(frozen=True, kw_only=True)
class ParameterSpec:
    """One scalar parameter; `live` ones may be changed while the node runs."""

    name: str
    default: bool | int | float | str
    help: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    live: bool

    @property
    def allowed(self) -> str:
        """The range or choices in words; empty when anything of the type goes."""
        if self.choices:
            return ', '.join(self.choices)
        if self.low is None and self.high is None:
            return ''
        bounds = [format_value(type(self.default)(bound)) if bound is not None else symbol
                  for bound, symbol in ((self.low, '-inf'), (self.high, 'inf'))]
        return f'{bounds[0]} .. {bounds[1]}'


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """A config whose fields become the parameters PREFIX + field name."""

    prefix: str
    defaults: Config
    live: bool | frozenset[str] = False

    def specs(self) -> list[ParameterSpec]:
        """Return the parameters in the order of declaration, nested configs flattened."""
        return list(_specs_of(self.defaults, self.prefix, self.live))


def pose_estimator_groups() -> list[ParameterGroup]:
    """Return the groups of the pose_estimator node (imports the core, and with it torch)."""
    from pointpng_core.estimator import EstimatorConfig
    from pointpng_core.pipeline import PipelineConfig

    from pointpng_core.scene import SegmenterConfig

    return [ParameterGroup(prefix='', defaults=NodeConfig(), live=LIVE_NODE_PARAMETERS),
            ParameterGroup(prefix='segmenter.', defaults=SegmenterConfig(), live=True),
            ParameterGroup(prefix='estimator.', defaults=EstimatorConfig()),
            ParameterGroup(prefix='pipeline.', defaults=PipelineConfig(), live=True)]


def with_values(defaults: AnyConfig, prefix: str, values: Mapping[str, Any]) -> AnyConfig:
    """Return `defaults` with the values of PREFIX + field name put in; raises ConfigError.

    Integers given for a float parameter are taken as floats.
    """
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(defaults):
        current, name = getattr(defaults, field.name), prefix + field.name
        if isinstance(current, Config):
            changes[field.name] = with_values(current, f'{name}.', values)
        elif name in values:
            value = values[name]
            whole = isinstance(current, float) and type(value) is int
            changes[field.name] = float(value) if whole else value
    return dataclasses.replace(defaults, **changes)


def parameter_table(groups: Sequence[ParameterGroup]) -> str:
    """Return the parameters as a Markdown table."""
    rows = ['| parameter | default | unit | allowed | live | meaning |',
            '|---|---|---|---|---|---|']
    rows += [f'| `{spec.name}` | `{format_value(spec.default)}` | {spec.unit} | {spec.allowed} '
             f'| {"yes" if spec.live else ""} | {spec.help} |'.replace('|  |', '| |')
             for group in groups for spec in group.specs()]
    return '\n'.join(rows) + '\n'


def default_yaml(groups: Sequence[ParameterGroup]) -> str:
    """Return a ROS parameter file with every default, each with its description above it."""
    lines = ['# Defaults of pose_estimator, generated: '
             'python -m pointpng_ros.parameter_specs yaml', '/**:', '  ros__parameters:']
    for group in groups:
        for spec in group.specs():
            details = ', '.join(filter(None, (spec.unit, spec.allowed)))
            lines += [f'    # {spec.help}' + (f' [{details}]' if details else ''),
                      f'    {spec.name}: {format_value(spec.default)}']
    return '\n'.join(lines) + '\n'


def format_value(value: bool | int | float | str) -> str:
    """Write a scalar as YAML that keeps its ROS type: doubles always carry a decimal point."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).split('\n')[0]


def _specs_of(config: Config, prefix: str, live: bool | frozenset[str]) -> Iterator[ParameterSpec]:
    for field in dataclasses.fields(config):
        default, name = getattr(config, field.name), prefix + field.name
        if isinstance(default, Config):
            yield from _specs_of(default, f'{name}.', live)
        elif isinstance(default, (bool, int, float, str)) and field.metadata:
            yield ParameterSpec(name=name, default=default, **field.metadata,
                                live=live if isinstance(live, bool) else field.name in live)
        else:
            raise ConfigError(f'{type(config).__name__}.{field.name} = {default!r} cannot be a '
                              'ROS parameter: declare a scalar with option(...)')


def main() -> None:
    """Print the table, or with the argument `yaml` the default parameter file."""
    write = default_yaml if sys.argv[1:] == ['yaml'] else parameter_table
    sys.stdout.write(write(pose_estimator_groups()))


if __name__ == '__main__':
    main()
