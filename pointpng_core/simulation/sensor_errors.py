"""The options of a simulated depth sensor: its noise, and what it does at edges and surfaces."""

from dataclasses import dataclass, fields, replace
from typing import Any

from pointpng_core.config import option
from pointpng_core.geometry.depth_noise import DepthNoise

PRESETS: dict[str, dict[str, float]] = {
    # Steps of 1/32 px at 415 px and 50 mm, which also place the second camera of the pair.
    'realsense_d4xx': {'edge_dropped_share': 0.15, 'quantum_per_m': 0.0015, 'fattened_px': 2.5,
                       'shadow_px_m': 21.0, 'dark_share': 0.1},
    # Steps of 1/8 px at 575 px and 75 mm (Khoshelham and Oude Elberink, Sensors 2012).
    'structured_light': {'quantum_per_m': 0.0028, 'eaten_px': 1.5, 'shadow_px_m': 43.0,
                         'dark_share': 0.05},
    'tof': {'edge_dropped_share': 0.1, 'flying_share': 0.5, 'corner_bias_m': 0.004,
            'dark_share': 0.05}}
"""Errors of named sensors that differ from the defaults, which are those of `kinect`."""


@dataclass(frozen=True, kw_only=True)
class SensorErrors(DepthNoise):
    """Noise, lateral jitter, pixels without a reading, errors at edges and at surfaces.

    Beside its noise, a named sensor has errors of its own: those that are left at their defaults
    are the sensor's, others are taken as they are given.
    """

    lateral_px: float = option(0.5, help='Standard deviation of the pixel that is really read.',
                               unit='px', low=0, high=2)
    dropped_share: float = option(0.01, help='Pixels without a reading, anywhere.',
                                  low=0, high=1)
    edge_dropped_share: float = option(0.35, help='Pixels without a reading at depth jumps.',
                                       low=0, high=1)
    edge_m: float = option(0.02, help='Smallest jump of depth that counts as an edge.', unit='m',
                           low=0)
    grazing_deg: float = option(80.0, help='No reading beyond this angle of incidence.',
                                unit='deg', low=0, high=90)
    quantum_per_m: float = option(0.0, help='Step of inverse depth; 0 means no quantisation '
                                  '(a Kinect has 0.0028).', unit='1/m', low=0, high=0.1)
    fattened_px: float = option(0.0, help='Width by which near surfaces grow over what lies '
                                'behind their edges, on average (block matching).', unit='px',
                                low=0, high=20)
    eaten_px: float = option(0.0, help='Width of the rim of near surfaces without a reading, on '
                             'average.', unit='px', low=0, high=20)
    shadow_px_m: float = option(0.0, help='Focal length times baseline: what the projector or '
                                'second camera to the right does not reach has no reading.',
                                unit='px m', low=0, high=500)
    flying_share: float = option(0.0, help='Pixels at depth jumps that measure a depth between '
                                 'both sides (time of flight).', low=0, high=1)
    corner_bias_m: float = option(0.0, help='How much too far right-angled inner corners are '
                                  'measured (time of flight: light comes on detours).', unit='m',
                                  low=0, high=0.1)
    dark_share: float = option(0.0, help='Objects whose surface reflects little light.', low=0,
                               high=1)
    dark_loss: float = option(0.4, help='Pixels of dark surfaces without a reading, in patches, '
                              'where they face the sensor; more where they do not.', low=0, high=1)

    @property
    def effective(self) -> 'SensorErrors':
        """Return the same sensor as `custom`, with the numbers that count."""
        own = {field.name: field.default for field in fields(self)}
        preset = PRESETS.get(self.profile, {})
        changes: dict[str, Any] = {name: value for name, value in preset.items()
                                   if getattr(self, name) == own[name]}
        return replace(super().effective, **changes)

    def scaled(self, level: float) -> 'SensorErrors':
        """Return the same sensor `level` times as bad; 0 is ideal."""
        own = self.effective
        times = {name: getattr(own, name) * level for name in ('axial_m', 'axial_growth')}
        for name, most in (('lateral_px', 2.0), ('quantum_per_m', 0.1), ('fattened_px', 20.0),
                           ('eaten_px', 20.0), ('corner_bias_m', 0.1), ('dropped_share', 1.0),
                           ('edge_dropped_share', 1.0), ('flying_share', 1.0),
                           ('dark_share', 1.0)):
            times[name] = min(getattr(own, name) * level, most)
        return replace(own, **times, grazing_deg=own.grazing_deg if level else 90.0,
                       shadow_px_m=own.shadow_px_m if level else 0.0)
