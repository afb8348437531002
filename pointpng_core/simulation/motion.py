"""Smooth motions: objects that slide and spin on the table, a camera that orbits it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation


@dataclass(frozen=True, kw_only=True)
class TableMotion:
    """A body resting on the table that slides along a circle about `home` and spins about z.

    T_table_object (4, 4) is its pose at rest, footprint centred at the table's origin.
    """

    T_table_object: NDArray[np.float64]
    home: NDArray[np.float64]
    slide_m: float
    slide_rad_s: float
    spin_rad_s: float
    phase_rad: float

    def T_world_object(self, time_s: float) -> NDArray[np.float64]:
        """Return the pose (4, 4) at a time."""
        angle = self.phase_rad + self.slide_rad_s * time_s
        T_world_table = np.eye(4)
        T_world_table[:3, :3] = Rotation.from_euler(
            'z', self.phase_rad + self.spin_rad_s * time_s).as_matrix()
        T_world_table[:2, 3] = self.home + self.slide_m * np.array([np.cos(angle), np.sin(angle)])
        return T_world_table @ self.T_table_object


@dataclass(frozen=True, kw_only=True)
class Orbit:
    """A camera that swings to and fro around a point above the table's middle."""

    distance_m: float
    target_z_m: float
    height_deg: float
    nod_deg: float
    swing_deg: float
    period_s: float

    def T_world_camera(self, time_s: float) -> NDArray[np.float64]:
        """Return the pose (4, 4) of the optical frame (x right, y down, z forward) at a time."""
        phase = 2 * np.pi * time_s / self.period_s
        azimuth = np.radians(-90 + self.swing_deg * np.sin(phase))
        height = np.radians(self.height_deg + self.nod_deg * np.sin(1.7 * phase))
        back = np.array([np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth),
                         np.sin(height)])
        right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
        T_world_camera = np.eye(4)
        T_world_camera[:3, :3] = np.stack([right, np.cross(-back, right), -back], axis=1)
        T_world_camera[:3, 3] = self.distance_m * back + [0, 0, self.target_z_m]
        return T_world_camera
