"""Where the sensor of a cloud was: at the origin of its frame, at a position, or where tf says."""

from collections import defaultdict
from dataclasses import replace
from functools import partial

from rclpy.node import Node
from std_msgs.msg import Header

from pointpng_core.geometry.clouds import FixedViewpoint, PointCloud
from pointpng_core.geometry.rigid_motion import inverse
from pointpng_ros.messages.tf_frames import FrameLookup
from pointpng_ros.parameters.node_config import NodeConfig, sensor_position_m


class SensorPose:
    """Adds the pose of the sensor to clouds, as sensor_frame and viewpoint say.

    Raises ConfigError for parameters that contradict each other, MissingDependencyError when
    sensor_frame needs tf2_ros and that is not installed.
    """

    def __init__(self, node: Node, config: NodeConfig) -> None:
        position_m = sensor_position_m(config)
        self._viewpoints = defaultdict[int, FixedViewpoint](
            partial(FixedViewpoint, position_m)) if position_m else None
        self._frame = config.sensor_frame
        self._lookup = (FrameLookup(node, self._frame, asked_by='sensor_frame')
                        if self._frame else None)

    def added(self, cloud: PointCloud, header: Header, camera: int, *,
              tf_timeout_s: float = 0.0) -> PointCloud:
        """Return a cloud of this header with the pose of its sensor, if it is not at the origin.

        By its position, the sensor of a camera looks the same way in all clouds of a frame_id.
        Raises CloudError when tf does not know it at the stamp of the cloud, after the timeout.
        """
        if self._viewpoints is not None:
            return self._viewpoints[camera].placed(cloud, header.frame_id)
        if not self._lookup or header.frame_id == self._frame:
            return cloud
        return replace(cloud, T_cloud_sensor=inverse(
            self._lookup.T_target_cloud(header, timeout_s=tf_timeout_s)))
