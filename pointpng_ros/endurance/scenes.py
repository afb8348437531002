"""What the camera shows in each scene of a run: a function of the seed and the scene's number."""

from dataclasses import dataclass

import numpy as np

from pointpng_core.simulation.shapes.catalogue import object_names
from pointpng_ros.demo.recorder import HIDDEN_TOPIC
from pointpng_ros.demo.runs import CLOUD_TOPIC, TRUTH_TOPIC, Parameters
from pointpng_ros.endurance.settings import EnduranceConfig

FEWEST, MOST, MOST_ALIKE = 4, 8, 2
_JUMP_EVERY, _JUMP_S = 3, -3600.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One scene: its objects, the seed of their places, the offset of the camera's clock."""

    objects: str
    seed: int
    stamp_offset_s: float

    @classmethod
    def of(cls, config: EnduranceConfig, number: int) -> 'Scene':
        """Return a scene: the first with the configured objects, others with random ones."""
        late = _JUMP_S if number % _JUMP_EVERY == _JUMP_EVERY - 1 else 0.0
        return cls(objects=config.objects if number == 0 else _some(config.seed, number),
                   seed=config.seed + number, stamp_offset_s=late)

    def camera(self, config: EnduranceConfig) -> Parameters:
        """Return the parameters of the camera for this scene."""
        return {'cloud_topic': CLOUD_TOPIC, 'truth_topic': TRUTH_TOPIC,
                'hidden_topic': HIDDEN_TOPIC, 'reliability': 'reliable',
                'rate_hz': config.rate_hz, 'prepared_frames': config.prepared_frames,
                'objects': self.objects, 'stamp_offset_s': self.stamp_offset_s,
                'world.seed': self.seed}


def _some(seed: int, number: int) -> str:
    rng = np.random.default_rng([seed, number])
    choice = np.repeat(object_names(), MOST_ALIKE)
    return ','.join(rng.choice(choice, size=rng.integers(FEWEST, MOST + 1), replace=False))
