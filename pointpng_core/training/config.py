"""Everything a training run can be told; it is kept in the run folder and in the checkpoint."""

from dataclasses import dataclass, field
from typing import Any

from pointpng_core.config import Config, option
from pointpng_core.embedding.networks.config import STEERABLE, ModelConfig
from pointpng_core.errors import ConfigError
from pointpng_core.training.augmentation.config import AugmentConfig, SensorConfig
from pointpng_core.training.data.source_config import SourceConfig

ADJUSTABLE = frozenset({'device', 'threads', 'checkpoint_every', 'checkpoint_minutes', 'keep',
                        'log_every', 'validate_every', 'compile', 'mae_steps', 'png_steps', 'lr',
                        'clip'})
"""What may differ when a run goes on; longer stages stretch the schedule of the learning rate."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """The defaults suit a small network on a CPU: `config/train_small.yaml` in float32."""

    sources: tuple[Any, ...] = option((), help='Where objects come from: PATH[,weight=2,...] or '
                                               'mappings with these names.')
    pool: int = option(1024, help='Points kept of each object, from which views are drawn.',
                       low=32, high=65536)
    validation_share: float = option(0.03, help='Share of the objects of each source that is '
                                                'held out to watch progress.', low=0.0, high=0.5)
    init: str = option('', help='Checkpoint or model name to start from; empty: random weights.')

    mae_steps: int = option(700, help='Steps of masked autoencoding; 0 leaves it out.',
                            low=0, high=100_000_000)
    png_steps: int = option(5000, help='Steps of Point-PNG; 0 leaves it out.',
                            low=0, high=100_000_000)
    batch: int = option(32, help='Objects per step and process.', low=2, high=65536)
    views: int = option(4, help='Views V of each object; all V (V - 1) ordered pairs count.',
                        low=2, high=64)
    accumulate: int = option(1, help='Batches whose gradients make one step.', low=1, high=1024)

    lr: float = option(1e-3, help='Highest learning rate.', low=1e-8, high=1.0)
    weight_decay: float = option(0.05, help='Of matrices; norms, biases and codes have none.',
                                 low=0.0, high=1.0)
    warmup_steps: int = option(200, help='Steps in which each stage reaches its learning rate.',
                               low=0, high=1_000_000)
    clip: float = option(1.0, help='Longest gradient; longer ones are shortened.',
                         low=1e-4, high=1e4)
    ema: float = option(0.0, help='Decay of the moving average of the weights that is kept as the '
                                  'model; 0 keeps the weights themselves.', low=0.0, high=0.99999)

    mae_mask: float = option(0.6, help='Share of patches hidden in the first stage.',
                             low=0.1, high=0.95)
    png_mask: float = option(0.25, help='Share of patches that each view lacks in the second.',
                             low=0.0, high=0.9)
    beta: float = option(0.3, help='Weight of the pseudo-negatives; other objects have 1 - beta.',
                         low=0.0, high=1.0)
    boost: float = option(1.0, help='Factor on the pseudo-negatives in the first 40 % of the '
                                    'second stage, falling to 1 until 80 %.',
                          low=1.0, high=100.0)
    negatives: int = option(16, help='Pseudo-negatives M per view.', low=0, high=4096)
    tau: float = option(0.2, help='Temperature of the losses.', low=1e-3, high=100.0)

    precision: str = option('float32', help='Precision of the networks.',
                            choices=('float32', 'bfloat16'))
    compile: bool = option(False, help='Compile the network with torch.compile.')
    device: str = option('cpu', help='Torch device: cpu, cuda or cuda:N.')
    threads: int = option(0, help='Threads that torch may use; 0 leaves its default.',
                          low=0, high=256)
    seed: int = option(0, help='Of weights, held-out objects, batches and noise.',
                       low=0, high=2 ** 31)

    checkpoint_every: int = option(500, help='Steps between checkpoints.', low=1)
    checkpoint_minutes: float = option(5.0, help='The same in minutes, whichever is first.',
                                       unit='min', low=0.01, high=1e6)
    keep: int = option(2, help='Checkpoints kept, the newest.', low=1, high=10_000)
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
        """Steps of both stages."""
        return self.mae_steps + self.png_steps

    def source_configs(self) -> list[SourceConfig]:
        """Return the sources; raises ConfigError."""
        return [SourceConfig.from_value(source) for source in self.sources]


@dataclass(frozen=True, kw_only=True)
class SteerableConfig(Config):
    """Pairs of whole surfaces, and of camera views among rendered ones."""

    views: int = option(5, help='Views of each object that are rendered as references are; one '
                                'lies near the view of the camera.', low=1, high=256)
    near_rad: float = option(0.12, help='How near.', unit='rad', low=0.0, high=1.0)
    view_points: int = option(256, help='Points of a view.', low=32, high=65536)
    whole_points: int = option(512, help='Points of each of two draws of a whole surface, which '
                                         'share as few as the pool allows.', low=32, high=65536)
    jitter: float = option(0.02, help='Greatest noise of a whole surface.', unit='diameters',
                           low=0.0, high=0.2)
    rotations: int = option(3072, help='Pseudo-negatives of whole surfaces: a grid on SO(3).',
                            low=64, high=200000)
    in_plane_rotations: int = option(36, help='Those of views: angles about the line of sight.',
                         low=8, high=720)
    right_rad: float = option(0.27, help='A view that brings the object so near to its true '
                                         'rotation is right.', unit='rad', low=0.01, high=1.5)
    wrong_rad: float = option(0.4, help='One that is off by more is a pseudo-negative.',
                              unit='rad', low=0.01, high=3.0)
    full_view: float = option(0.2, help='Weight of views among whole surfaces, turned to face '
                                        'the camera.', low=0.0, high=100.0)
    align: float = option(0.1, help='Weight of L_align.', low=0.0, high=100.0)
    unif: float = option(0.3, help='Weight of L_unif.', low=0.0, high=100.0)
    centre: float = option(2.0, help="Weight of the error of the object's centre.",
                           low=0.0, high=100.0)
    visible: float = option(0.5, help='Weight of the error of the share that is seen.',
                            low=0.0, high=100.0)
