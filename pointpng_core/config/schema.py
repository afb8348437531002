"""Frozen, checked configuration dataclasses; one declaration serves YAML, ROS and the docs.

A field is declared by `option`, with its description, unit and range:

    @dataclass(frozen=True, kw_only=True)
    class SearchConfig(Config):
        peaks: int = option(8, help='Hypotheses kept per reference.', low=1, high=64)
"""

import dataclasses
from pathlib import Path
import sys
from typing import Any, TypeVar

import yaml

from pointpng_core.config.yaml_files import read_yaml_mapping
from pointpng_core.errors import ConfigError
from pointpng_core.text import did_you_mean, shown

Self = TypeVar('Self', bound='Config')


def option(default: Any, *, help: str, unit: str = '', low: float | None = None,
           high: float | None = None, choices: tuple[str, ...] = ()) -> Any:
    """Declare a configuration field with its description, unit and allowed range or choices."""
    metadata = {'help': help, 'unit': unit, 'low': low, 'high': high, 'choices': choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Base of every configuration: values are checked on construction, unknown keys rejected."""

    def __post_init__(self) -> None:
        """Check every field against its declaration; raises ConfigError."""
        owner = type(self).__name__
        for field in dataclasses.fields(self):
            if field.metadata:
                _check(owner, field, getattr(self, field.name))
        for name, kind in _nested_configs(type(self)).items():
            if not isinstance(getattr(self, name), kind):
                raise ConfigError(f'{owner}.{name} = {shown(getattr(self, name))}: expected a '
                                  f'{kind.__name__}')

    @classmethod
    def from_mapping(cls: type[Self], mapping: dict[str, Any]) -> Self:
        """Build from YAML values; an unknown key raises ConfigError naming the nearest one."""
        names = [field.name for field in dataclasses.fields(cls)]
        for key in mapping:
            if key not in names:
                raise ConfigError(f'{cls.__name__}: unknown key {shown(key)}; '
                                  f'{did_you_mean(key, names)}')
        nested = _nested_configs(cls)
        mapping = {key: tuple(value) if isinstance(value, list) else value
                   for key, value in mapping.items()}
        for key in nested.keys() & mapping.keys():
            if not isinstance(mapping[key], dict):
                raise ConfigError(f'{cls.__name__}.{key} = {shown(mapping[key])}: expected a '
                                  f'mapping of the values of {nested[key].__name__}')
        return cls(**{key: nested[key].from_mapping(value) if key in nested else value
                      for key, value in mapping.items()})

    @classmethod
    def from_yaml(cls: type[Self], path: str | Path) -> Self:
        """Read from a YAML mapping; raises FileError or ConfigError."""
        return cls.from_mapping(read_yaml_mapping(path))

    def to_mapping(self) -> dict[str, Any]:
        """Return the values for YAML in the order of declaration; sequences become lists."""
        return {key: list(value) if isinstance(value, tuple) else value
                for key, value in dataclasses.asdict(self).items()}

    def to_yaml(self, path: str | Path) -> None:
        """Write as a YAML mapping that `from_yaml` reads back."""
        Path(path).write_text(yaml.safe_dump(self.to_mapping(), sort_keys=False), encoding='utf-8')


def _nested_configs(cls: type[Config]) -> dict[str, type[Config]]:
    """Return the nested configurations by field, which have their class as default factory."""
    nested: dict[str, type[Config]] = {}
    for field in dataclasses.fields(cls):
        factory = field.default_factory
        if isinstance(factory, type) and issubclass(factory, Config):
            nested[field.name] = factory
    return nested


def _check(owner: str, field: 'dataclasses.Field[Any]', value: Any) -> None:
    where = f'{owner}.{field.name}'
    _check_type(where, field.default, value)
    _check_range(where, field.metadata, value)
    choices = field.metadata['choices']
    if choices and value not in choices:
        raise ConfigError(f'{where} = {shown(value)}: choose one of {", ".join(choices)}')


def _check_type(where: str, default: Any, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    accepted = number if isinstance(default, float) else type(value) is type(default)
    if not accepted:
        raise ConfigError(f'{where} = {shown(value)}: expected {type(default).__name__}, '
                          f'got {type(value).__name__}')


def _check_range(where: str, metadata: Any, value: Any) -> None:
    low, high, unit = metadata['low'], metadata['high'], metadata['unit']
    below = low is not None and not value >= low
    above = high is not None and not value <= high
    if below or above:
        raise ConfigError(f'{where} = {shown(value)} {unit}'.rstrip()
                          + f': must lie in [{low if low is not None else "-inf"}, '
                            f'{high if high is not None else "inf"}]')
    if isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        raise ConfigError(f'{where} = {shown(value)}: expected a finite number')
