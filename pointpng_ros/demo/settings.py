"""Settings of a demo run."""

from dataclasses import dataclass

from pointpng_core.config import Config, option
from pointpng_core.simulation.worlds import CLUTTER, SCENES, TABLETOP, scene_objects

LEAST_SHARES = {TABLETOP: (0.9, 0.95), CLUTTER: (0.5, 0.8)}
"""Of the objects in view posed, and of the published poses right, to pass. Measured on 30 November
2026, two busy cores: 1.00 and 1.00 on the tabletop of seed 0; .59 to .67 and .89 to .95 in the
piles of clutter."""


@dataclass(frozen=True, kw_only=True)
class DemoConfig(Config):
    """Scene, limits and timeouts of the demo."""

    seconds: float = option(30.0, help='Length of the run, from the first processed frame on.',
                            unit='s', low=1, high=3600)
    rate_hz: float = option(5.0, help='Frames a second of the camera.', unit='Hz', low=0.1,
                            high=60)
    seed: int = option(0, help='Seed of the scene.', low=0)
    scene: str = option(TABLETOP, choices=SCENES, help='tabletop: objects apart from each other, '
                        'moving; clutter: a pile, and only the camera moves.')
    objects: str = option('', help='Objects of the tabletop. Empty: those of the scene.')
    distractors: str = option('can', help='Objects of the library that are not in the scene.')
    noise: float = option(1.0, help='Sensor noise: 0 is ideal, 1 a Kinect.', low=0, high=5)
    rotation_limit_deg: float = option(5.0, help='Largest rotation error of a posed object.',
                                       unit='deg', low=0)
    translation_limit_mm: float = option(5.0, help='Largest translation error of a posed object.',
                                         unit='mm', low=0)
    min_visible_share: float = option(
        0.35, help='Less visible objects, and those cut by the border of the image, need not be '
        'found; their poses count as published all the same.', low=0, high=1)
    pass_share: float = option(-1.0, help='Least share of posed objects in view to pass. -1: that '
                               'of the scene.', low=-1, high=1)
    pass_right_share: float = option(-1.0, help='Least share of right ones among the published '
                                     'poses to pass. -1: that of the scene.', low=-1, high=1)
    startup_s: float = option(180.0, help='Longest wait for the first processed frame.', unit='s',
                              low=1)
    silence_s: float = option(60.0, help='Longest wait for the next processed frame.', unit='s',
                              low=1)

    @property
    def least_posed_share(self) -> float:
        """Return the share of objects in view that must be posed."""
        return self.pass_share if self.pass_share >= 0 else LEAST_SHARES[self.scene][0]

    @property
    def least_right_share(self) -> float:
        """Return the share of published poses that must be right."""
        return self.pass_right_share if self.pass_right_share >= 0 \
            else LEAST_SHARES[self.scene][1]

    @property
    def object_names(self) -> tuple[str, ...]:
        """Return the objects of the scene; raises ConfigError for some given to clutter."""
        return scene_objects(self.scene, _words(self.objects), seed=self.seed)

    @property
    def library_names(self) -> list[str]:
        """Return the objects of the library: those of the scene and the distractors, each once."""
        return list(dict.fromkeys((*self.object_names, *_words(self.distractors))))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(',') if word.strip()]
