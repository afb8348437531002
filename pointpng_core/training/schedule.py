"""The stages of a run, and the learning rate of each step."""

from dataclasses import dataclass
import math

from pointpng_core.training.config import TrainConfig

MAE, PNG = 'mae', 'png'
FINAL_SHARE = 0.01
"""Share of the learning rate at the end of each stage."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A range of steps [start, stop) with its own schedule."""

    name: str
    start: int
    stop: int

    def progress(self, step: int) -> float:
        """Return the completed share of the stage before a step."""
        return (step - self.start) / (self.stop - self.start)


def stages(config: TrainConfig) -> list[Stage]:
    """Return the stages that have steps, in order."""
    both = [Stage(name=MAE, start=0, stop=config.mae_steps),
            Stage(name=PNG, start=config.mae_steps, stop=config.steps)]
    return [stage for stage in both if stage.stop > stage.start]


def learning_rate(step: int, stage: Stage, config: TrainConfig) -> float:
    """Return the rate at a step: linear warm-up, then cosine decay to FINAL_SHARE of `lr`."""
    passed, length = step - stage.start, stage.stop - stage.start
    warmup = min(config.warmup_steps, length // 2)
    if passed < warmup:
        return config.lr * (passed + 1) / warmup
    share = (passed - warmup) / max(1, length - warmup)
    wave = 0.5 * (1.0 + math.cos(math.pi * share))
    return config.lr * (FINAL_SHARE + (1.0 - FINAL_SHARE) * wave)
