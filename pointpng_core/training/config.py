"""The configuration of a training run, stored in the run folder and in every checkpoint."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointpng_core.config import Config, option
from pointpng_core.embedding.networks.config import STEERABLE, ModelConfig
from pointpng_core.errors import ConfigError
from pointpng_core.training.augmentation.config import AugmentConfig, SensorConfig
from pointpng_core.training.data.source_config import SourceConfig

ADJUSTABLE = frozenset({'device', 'threads', 'checkpoint_every', 'checkpoint_minutes', 'keep',
                        'log_every', 'validate_every', 'compile', 'mae_steps', 'png_steps', 'lr',
                        'clip'})
"""Values that may change on resuming; longer stages stretch the learning rate schedule."""


@dataclass(frozen=True, kw_only=True)
class SteerableConfig(Config):
    """Batches and loss weights of a steerable encoder: whole surfaces and camera views."""

    views: int = option(5, help='Reference views rendered of each object; one lies near the view '
                                'of the camera.', low=1, high=256)
    near_rad: float = option(0.12, help='Typical angle between that reference view and the view '
                                        'of the camera.', unit='rad', low=0.0, high=1.0)
    view_points: int = option(256, help='Points of a view.', low=32, high=65536)
    whole_points: int = option(512, help='Points of each of two samples of a whole surface, which '
                                         'share as few as the pool allows.', low=32, high=65536)
    jitter: float = option(0.02, help='Greatest noise of a whole surface.', unit='diameters',
                           low=0.0, high=0.2)
    rotations: int = option(3072, help='Pseudo-negatives of whole surfaces: a grid on SO(3).',
                            low=64, high=200000)
    in_plane_rotations: int = option(36, help='In-plane rotations of views, as candidates of the '
                                              'retrieval loss.', low=8, high=720)
    right_rad: float = option(0.27, help='A candidate within this angle of the true rotation is '
                                         'right.', unit='rad', low=0.01, high=1.5)
    wrong_rad: float = option(0.4, help='A candidate beyond this angle is a pseudo-negative.',
                              unit='rad', low=0.01, high=3.0)
    full_view: float = option(0.2, help='Weight of the retrieval of views among whole surfaces, '
                                        'rotated into the view frame.', low=0.0, high=100.0)
    align: float = option(0.1, help='Weight of L_align.', low=0.0, high=100.0)
    unif: float = option(0.3, help='Weight of L_unif.', low=0.0, high=100.0)
    centre: float = option(2.0, help="Weight of the error of the object's centre.",
                           low=0.0, high=100.0)
    visible: float = option(0.5, help='Weight of the error of the visible share.',
                            low=0.0, high=100.0)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """Options of a training run. The defaults train a small network on a CPU, in float32."""

    sources: tuple[Any, ...] = option((), help='Data sources: PATH[,weight=2,...] or mappings '
                                               'with these names.')
    pool: int = option(1024, help='Points kept of each object, from which views are sampled.',
                       low=32, high=65536)
    validation_share: float = option(0.03, help='Share of the objects of each source that is '
                                                'held out for validation.', low=0.0, high=0.5)
    init: str = option('', help='Checkpoint or model name to start from; empty: random weights.')

    mae_steps: int = option(700, help='Steps of masked autoencoding; 0 skips this stage.',
                            low=0, high=100_000_000)
    png_steps: int = option(5000, help='Steps of Point-PNG; 0 skips this stage.',
                            low=0, high=100_000_000)
    batch: int = option(32, help='Objects per step and process.', low=2, high=65536)
    views: int = option(4, help='Views V of each object; all V (V - 1) ordered pairs are used.',
                        low=2, high=64)
    accumulate: int = option(1, help='Batches whose gradients are averaged into one step.',
                             low=1, high=1024)

    lr: float = option(1e-3, help='Highest learning rate.', low=1e-8, high=1.0)
    weight_decay: float = option(0.05, help='Weight decay of matrices; norms, biases and codes '
                                      'have none.',
                                 low=0.0, high=1.0)
    warmup_steps: int = option(200, help='Steps of linear learning rate warm-up of each stage.',
                               low=0, high=1_000_000)
    clip: float = option(1.0, help='Gradient norm above which gradients are clipped.',
                         low=1e-4, high=1e4)
    ema: float = option(0.0, help='Decay of the moving average of the weights that is kept as the '
                                  'model; 0 keeps the weights themselves.', low=0.0, high=0.99999)

    mae_mask: float = option(0.6, help='Share of patches masked in the first stage.',
                             low=0.1, high=0.95)
    png_mask: float = option(0.25, help='Share of patches of each view masked in the second '
                                         'stage.',
                             low=0.0, high=0.9)
    beta: float = option(0.3, help='Weight of L_cope; that of L_unif is 1 - beta.',
                         low=0.0, high=1.0)
    boost: float = option(1.0, help='Factor on L_cope in the first 40 % of the second stage; '
                                    'it falls to 1 until 80 %.',
                          low=1.0, high=100.0)
    negatives: int = option(16, help='Pseudo-negatives M per view.', low=0, high=4096)
    tau: float = option(0.2, help='Temperature of the losses.', low=1e-3, high=100.0)

    precision: str = option('float32', help='Precision of the networks.',
                            choices=('float32', 'bfloat16'))
    compile: bool = option(False, help='Compile the network with torch.compile.')
    device: str = option('cpu', help='Torch device: cpu, cuda or cuda:N.')
    threads: int = option(0, help='Threads of torch; 0 leaves its default.',
                          low=0, high=256)
    seed: int = option(0, help='Seed of weights, held-out objects, batches and noise.',
                       low=0, high=2 ** 31)

    checkpoint_every: int = option(500, help='Steps between checkpoints.', low=1)
    checkpoint_minutes: float = option(5.0, help='Minutes between checkpoints, if earlier.',
                                       unit='min', low=0.01, high=1e6)
    keep: int = option(2, help='Newest checkpoints that are kept.', low=1, high=10_000)
    log_every: int = option(20, help='Steps between lines of metrics.jsonl.', low=1)
    validate_every: int = option(500, help='Steps between validations.', low=1)

    model: ModelConfig = field(default_factory=ModelConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    steerable: SteerableConfig = field(default_factory=SteerableConfig)

    def __post_init__(self) -> None:
        """Check the values, and that they fit together; raises ConfigError."""
        super().__post_init__()
        self.source_configs()
        if self.mae_steps + self.png_steps == 0:
            raise ConfigError('TrainConfig: mae_steps and png_steps are both 0: nothing to train')
        if self.model.encoder == STEERABLE and self.mae_steps:
            raise ConfigError(f'TrainConfig.mae_steps = {self.mae_steps}: a steerable encoder has '
                              'no first stage; set mae_steps: 0')
        if self.pool < self.model.points:
            raise ConfigError(f'TrainConfig.pool = {self.pool}: a view takes model.points = '
                              f'{self.model.points}; raise pool')

    @property
    def steps(self) -> int:
        """Return the steps of both stages."""
        return self.mae_steps + self.png_steps

    def source_configs(self) -> list[SourceConfig]:
        """Return the sources; raises ConfigError."""
        return [SourceConfig.from_value(source) for source in self.sources]


def load_recipe(name: str) -> TrainConfig:
    """Return a configuration that ships, such as `small` or `paper`, or that of a YAML file.

    Raises ConfigError, FileError.
    """
    path = Path(name)
    return TrainConfig.from_yaml(path if path.suffix in ('.yaml', '.yml') else _shipped(name))


def _shipped(name: str) -> Path:
    """Return the path of config/train_NAME.yaml, in a checkout or in an installation."""
    for folder in Path(__file__).resolve().parents:
        for kept in (folder / 'config', folder / 'share' / 'pointpng_ros' / 'config'):
            path = kept / f'train_{name}.yaml'
            if path.is_file():
                return path
    raise ConfigError(f'model configuration {name!r} is not known: choose small or paper, or '
                      'give a YAML file with values of TrainConfig')
