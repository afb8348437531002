"""A sensor that stays where it is, known by its position in the frame of its clouds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry.clouds.point_cloud import PointCloud


class FixedViewpoint:
    """Adds the pose of one sensor to its clouds, the same as long as their frame stays the same.

    The first cloud of a frame decides how the sensor is turned, as `PointCloud.seen_from` says.
    Decided by every cloud anew, the sensor would turn whenever points come or go, and the tracks
    of a sequence of frames, which are kept in the sensor's optical frame, would turn with it.
    """

    def __init__(self, position_m: Sequence[float] | NDArray[np.floating]) -> None:
        self._position_m = position_m
        self._frame_id: str | None = None
        self._T_cloud_sensor: NDArray[np.float64] | None = None

    def placed(self, cloud: PointCloud, frame_id: str = '') -> PointCloud:
        """Return a cloud in the frame of this name with the pose of its sensor.

        Raises CloudError when no point of the first cloud of a frame is finite.
        """
        if self._T_cloud_sensor is None or frame_id != self._frame_id:
            self._T_cloud_sensor = PointCloud.seen_from(
                cloud.points, self._position_m).T_cloud_sensor
            self._frame_id = frame_id
        return replace(cloud, T_cloud_sensor=self._T_cloud_sensor)
