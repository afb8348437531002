"""Settings of an endurance run, and the bounds that it must keep."""

from dataclasses import dataclass

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class EnduranceConfig(Config):
    """Length, camera, scenes and bounds; a bound that is broken makes the run fail."""

    minutes: float = option(1.0, help='Length of the run, the pauses between scenes included.',
                            unit='min', low=0.05, high=1440)
    rate_hz: float = option(30.0, help='Frames a second of the camera.', unit='Hz', low=0.1,
                            high=60)
    prepared_frames: int = option(60, help='Frames the camera shows forwards and backwards in '
                                  'a scene.',
                                  low=2, high=600)
    scene_s: float = option(0.0, help='Time after which the scene changes: the camera falls '
                            'silent, returns with other objects, and every third time its clock '
                            'has jumped back. 0: one scene.', unit='s', low=0, high=3600)
    objects: str = option('mug,bottle,drill,bracket,box,can,bowl,spray',
                          help='Objects of the first scene.')
    seed: int = option(0, help='Seed of the scenes.', low=0)
    model: str = option('training_free', help='Model of the node.')
    startup_s: float = option(240.0, help='Longest wait for the first processed cloud of a '
                              'scene.', unit='s', low=1)
    silence_s: float = option(60.0, help='Longest wait for the next processed cloud.', unit='s',
                              low=1)
    rotation_limit_deg: float = option(5.0, help='Largest rotation error of a posed object.',
                                       unit='deg', low=0)
    translation_limit_mm: float = option(5.0, help='Largest translation error of a posed object.',
                                         unit='mm', low=0)
    false_factor: float = option(3.0, help='Poses this many limits off count as false.', low=1)
    min_posed_share: float = option(0.97, help='Least share of objects in view posed within both '
                                    'limits.', low=0, high=1)
    min_label_share: float = option(0.98, help='Least share of right labels.', low=0, high=1)
    max_false_share: float = option(0.01, help='Largest share of false poses.', low=0, high=1)
    max_swap_share: float = option(0.001, help='Most changes of identity, per object and frame.',
                                   low=0, high=1)
    max_age_ms: float = option(2000.0, help='Largest 99th percentile of the age of poses.',
                               unit='ms', low=1)
    max_memory_growth: float = option(0.02, help='Largest growth of memory after the warm-up.',
                                      low=0, high=10)
    max_handle_growth: int = option(2, help='Most handles more after the warm-up.', low=0)
