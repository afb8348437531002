"""The configurations that ship with the package, by name."""

from pathlib import Path

from pointpng_core.errors import ConfigError
from pointpng_core.training.config import TrainConfig


def load_recipe(name: str) -> TrainConfig:
    """Return the TrainConfig of `small`, `paper` or a YAML file; raises ConfigError, FileError."""
    path = Path(name)
    return TrainConfig.from_yaml(path if path.suffix in ('.yaml', '.yml') else _shipped(name))


def _shipped(name: str) -> Path:
    """Find config/train_NAME.yaml in a checkout, or where an installation keeps it."""
    for folder in Path(__file__).resolve().parents:
        for kept in (folder / 'config', folder / 'share' / 'pointpng_ros' / 'config'):
            path = kept / f'train_{name}.yaml'
            if path.is_file():
                return path
    raise ConfigError(f'model configuration {name!r} is not known: choose small or paper, or '
                      'give a YAML file with values of TrainConfig')
