"""Settings of a demo run."""

from dataclasses import dataclass

from pointpng_core.config import Config, option
from pointpng_ros.nodes.sim_camera import DEFAULT_OBJECTS


@dataclass(frozen=True, kw_only=True)
class DemoConfig(Config):
    """Scene, limits and timeouts of the demo."""

    seconds: float = option(30.0, help='Length of the run, from the first processed frame on.',
                            unit='s', low=1, high=3600)
    rate_hz: float = option(5.0, help='Frames a second of the camera.', unit='Hz', low=0.1,
                            high=60)
    seed: int = option(0, help='Seed of the scene.', low=0)
    objects: str = option(DEFAULT_OBJECTS, help='Objects on the table.')
    distractors: str = option('can', help='Objects of the library that are not on the table.')
    noise: float = option(1.0, help='Sensor noise: 0 is ideal, 1 a Kinect.', low=0, high=5)
    rotation_limit_deg: float = option(5.0, help='Largest rotation error of a posed object.',
                                       unit='deg', low=0)
    translation_limit_mm: float = option(5.0, help='Largest translation error of a posed object.',
                                         unit='mm', low=0)
    pass_share: float = option(0.9, help='Least share of posed objects to pass.', low=0, high=1)
    startup_s: float = option(180.0, help='Longest wait for the first processed frame.', unit='s',
                              low=1)
    silence_s: float = option(60.0, help='Longest wait for the next processed frame.', unit='s',
                              low=1)

    @property
    def library_names(self) -> list[str]:
        """Return the objects of the library: those on the table and the distractors, each once."""
        words = f'{self.objects},{self.distractors}'.split(',')
        return list(dict.fromkeys(word.strip() for word in words if word.strip()))
