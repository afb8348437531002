"""Where the sensor of a cloud was: at the origin of its frame, at a position, or where tf says."""

from dataclasses import replace

from rclpy.node import Node
from std_msgs.msg import Header

from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.geometry.rigid_motion import inverse
from pointpng_ros.messages.tf_frames import FrameLookup
from pointpng_ros.parameters.node_config import NodeConfig, sensor_position_m


class SensorPose:
    """Adds the pose of the sensor to clouds, as sensor_frame and viewpoint say.

    Raises ConfigError for parameters that contradict each other, MissingDependencyError when
    sensor_frame needs tf2_ros and that is not installed.
    """

    def __init__(self, node: Node, config: NodeConfig) -> None:
        self._position_m = sensor_position_m(config)
        self._frame = config.sensor_frame
        self._lookup = (FrameLookup(node, self._frame, asked_by='sensor_frame')
                        if self._frame else None)

    def added(self, cloud: PointCloud, header: Header) -> PointCloud:
        """Return a cloud of this header with the pose of its sensor, if it is not at the origin.

        Raises CloudError when tf does not know it at the stamp of the cloud.
        """
        if self._position_m:
            seen = PointCloud.seen_from(cloud.points, self._position_m)
            return replace(cloud, T_cloud_sensor=seen.T_cloud_sensor)
        if not self._lookup or header.frame_id == self._frame:
            return cloud
        return replace(cloud, T_cloud_sensor=inverse(self._lookup.T_target_cloud(header)))
