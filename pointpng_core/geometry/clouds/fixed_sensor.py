"""A sensor at a known position in the frame of its clouds: all get one and the same pose."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.clouds.point_cloud import PointCloud


class FixedSensor:
    """Adds the pose of a sensor that stays at `position_m` (3,) in the frame of its clouds.

    The z axis of that frame is up. The orientation is that of `PointCloud.seen_from` for the first
    cloud, and stays: objects are tracked in the sensor's frame, which must not turn with what each
    cloud happens to show. It is chosen anew when the frame_id changes, as tracks begin anew then.
    Each camera has its own instance.
    """

    def __init__(self, position_m: Sequence[float] | NDArray[np.floating]) -> None:
        self._position_m = position_m
        self._frame_id = ''
        self._T_cloud_sensor: NDArray[np.float64] | None = None

    def placed(self, cloud: PointCloud | NDArray[np.floating], frame_id: str = '') -> PointCloud:
        """Return a cloud with the pose of the sensor.

        A cloud without a finite point says nothing of where the sensor looks: until one has some,
        it is returned as it is. Raises CloudError for a position that cannot be.
        """
        cloud = PointCloud.of(cloud)
        if frame_id != self._frame_id:
            self._frame_id, self._T_cloud_sensor = frame_id, None
        if self._T_cloud_sensor is None:
            if not len(cloud.finite_points):
                return cloud
            self._T_cloud_sensor = PointCloud.seen_from(cloud.points,
                                                        self._position_m).T_cloud_sensor
        return replace(cloud, T_cloud_sensor=self._T_cloud_sensor)
