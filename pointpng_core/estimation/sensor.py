"""Where the sensor of observations is: at the origin of their frame, or at a pose in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.geometry.clouds import PointCloud, finite_rows
from pointpng_core.geometry.rigid_motion import inverse, is_rigid, looking_at

Matrix = NDArray[np.float64]
ViewpointLike = str | Sequence[float] | NDArray[np.floating]
"""A Viewpoint or its value; or the position (3,) of the sensor, or its pose T_cloud_sensor (4, 4),
in the frame of the observations, which are single views from there then."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensor:
    """What is known of the sensor of all observations of a call.

    Everything is computed in its optical frame, where it is at the origin, and given back in the
    frame of the observations.
    """

    viewpoint: Viewpoint
    T_cloud_sensor: Matrix | None = None
    """None: it is at the origin already."""

    @classmethod
    def of(cls, viewpoint: ViewpointLike, observations: Sequence[NDArray[np.floating]]
           ) -> 'Sensor':
        """Return the sensor of observations (N, 3) each; raises ConfigError, CloudError."""
        if isinstance(viewpoint, str):
            return cls(viewpoint=Viewpoint.of(viewpoint))
        where = np.asarray(viewpoint, dtype=np.float64)
        if is_rigid(where):
            return cls(viewpoint=Viewpoint.SENSOR, T_cloud_sensor=where)
        if where.shape != (3,) or not np.isfinite(where).all():
            raise ConfigError(f'viewpoint = {where.tolist()}: expected the position (3,) of the '
                              'sensor, or its pose (4, 4), a rigid motion')
        points = np.concatenate([PointCloud.of(cloud).points for cloud in observations])
        return cls(viewpoint=Viewpoint.SENSOR, T_cloud_sensor=looking_at(
            where, points[finite_rows(points)].mean(axis=0, dtype=np.float64)))

    def local(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return points (N, 3) in the optical frame; raises CloudError for another shape."""
        if self.T_cloud_sensor is None:
            return points
        return PointCloud(points=np.asarray(points),
                          T_cloud_sensor=self.T_cloud_sensor).sensor_points

    def local_pose(self, T_cloud_reference: Matrix) -> Matrix:
        """Return T_sensor_reference (4, 4)."""
        return T_cloud_reference if self.T_cloud_sensor is None \
            else inverse(self.T_cloud_sensor) @ T_cloud_reference

    def in_cloud(self, estimate: PoseEstimate) -> PoseEstimate:
        """Return an estimate with all of its poses in the frame of the observations."""
        return estimate if self.T_cloud_sensor is None \
            else estimate.carried(self.T_cloud_sensor @ estimate.T_observation_reference)
