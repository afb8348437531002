"""How depth cameras err: the one sensor model, after Nguyen, Izadi and Lovell (3DIMPVT 2012)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class DepthNoise(Config):
    """Axial noise that grows with distance, lateral jitter, and pixels without a reading."""

    axial_m: float = option(0.0012, help='Standard deviation of depth at 0.4 m.', unit='m',
                            low=0, high=0.1)
    axial_growth: float = option(0.0019, help='Its growth with (depth - 0.4 m)^2.', unit='1/m',
                                 low=0, high=0.1)
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

    def scaled(self, level: float) -> 'DepthNoise':
        """The same sensor `level` times as bad; 0 is ideal."""
        return replace(self, axial_m=self.axial_m * level,
                       axial_growth=self.axial_growth * level,
                       lateral_px=min(self.lateral_px * level, 2.0),
                       dropped_share=min(self.dropped_share * level, 1.0),
                       edge_dropped_share=min(self.edge_dropped_share * level, 1.0),
                       grazing_deg=self.grazing_deg if level else 90.0,
                       quantum_per_m=min(self.quantum_per_m * level, 0.1))

    def sigma_m(self, depth_m: NDArray[np.floating]) -> NDArray[np.floating]:
        """Standard deviation of depth at given depths."""
        return np.float32(self.axial_m) + np.float32(self.axial_growth) * (
            depth_m - np.float32(0.4)) ** 2
