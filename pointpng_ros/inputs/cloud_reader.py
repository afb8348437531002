"""Reads clouds and depth images: decodes them, refuses old ones, crops to the region."""

from dataclasses import replace
import math

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds.filtering import outside_blanked
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.io.bags.depth_cloud import decode_depth_cloud
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_ros.health.clock_watch import clock_stands
from pointpng_ros.inputs.depth_frame import DepthFrame
from pointpng_ros.inputs.sensor_pose import SensorPose
from pointpng_ros.messages.stamps import time_of
from pointpng_ros.messages.tf_frames import FrameLookup
from pointpng_ros.parameters.node_config import NodeConfig, RegionConfig


class CloudReader:
    """Reads what the cameras send as the parameters ask.

    Raises ConfigError for parameters that contradict each other, and MissingDependencyError like
    `prepare`.
    """

    def __init__(self, node: Node, config: NodeConfig, region: RegionConfig) -> None:
        self._node = node
        self._lookup: FrameLookup | None = None
        self._sensor_pose = SensorPose(node, config)
        self.prepare(region)
        self.config, self.region = config, region

    def prepare(self, region: RegionConfig) -> None:
        """Make ready for a region of interest; one in a frame of its own needs tf2_ros."""
        if region.enabled and region.frame:
            self._lookup = self._lookup or FrameLookup(self._node, '', asked_by='roi.frame')

    def read(self, message: PointCloud2 | DepthFrame, *, camera: int = 0,
             tf_timeout_s: float = 0.0) -> PointCloud:
        """Return the cloud, with the pose of the sensor where that is not at the origin.

        `camera` is the number of the camera; the pose of its sensor may depend on its first cloud.
        `tf_timeout_s` is the longest wait for each transform, for callers outside the executor.
        Raises CloudError when it is malformed, too old, without a frame or a transform.
        """
        what = 'depth image' if isinstance(message, DepthFrame) else 'cloud'
        if not message.header.frame_id:
            raise CloudError(f'the {what} has an empty frame_id, so its poses would have no '
                             'frame; set the frame in the camera driver')
        age_s, limit_s = self.age_s(message.header), self.config.max_age_s
        if limit_s and age_s > limit_s:
            raise CloudError(f'the {what} is {age_s:.2f} s old, more than max_age_s = {limit_s} '
                             's; raise it, or set it to 0 for replayed bags')
        cloud = self._sensor_pose.added(self._decoded(message), message.header, camera,
                                        tf_timeout_s=tf_timeout_s)
        return self._inside(cloud, message.header, self.region, tf_timeout_s)

    def age_s(self, header: Header) -> float:
        """Return how much older than the node's clock a stamp is, in seconds.

        NaN where the node goes by simulated time and none has come. Raises CloudError for a
        stamp that is none.
        """
        if clock_stands(self._node):
            time_of(header.stamp)
            return math.nan
        return (self._node.get_clock().now() - time_of(header.stamp)).nanoseconds / 1e9

    def _decoded(self, message: PointCloud2 | DepthFrame) -> PointCloud:
        if isinstance(message, DepthFrame):
            return decode_depth_cloud(
                message.image, message.camera_info, message.mask, rectified=message.rectified,
                unit_m=self.config.depth_unit_m, max_points=self.config.max_points)
        return decode_cloud(message, max_points=self.config.max_points)

    def _inside(self, cloud: PointCloud, header: Header, region: RegionConfig,
                tf_timeout_s: float) -> PointCloud:
        """Make points outside the region NaN, so that an organised cloud stays organised."""
        if not region.enabled:
            return cloud
        T_box_cloud = None
        if region.frame and region.frame != header.frame_id:
            assert self._lookup, 'made by prepare'
            self._lookup.target_frame = region.frame
            T_box_cloud = self._lookup.T_target_cloud(header, timeout_s=tf_timeout_s)
        return replace(cloud, points=outside_blanked(
            cloud.points, np.array(region.low_m), np.array(region.high_m), T_box_cloud))
