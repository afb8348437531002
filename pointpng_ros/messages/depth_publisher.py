"""Publishes depth images and their CameraInfo, as a camera driver does."""

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.io.bags.camera_info import sibling_info_topic
from pointpng_ros.messages.depth_messages import camera_info, encode_depth
from pointpng_ros.parameters.qos_overrides import create_publisher


class DepthPublisher:
    """Publishes depth images on a topic and their CameraInfo beside it, with the same header."""

    def __init__(self, node: Node, topic: str, camera: PinholeCamera, *, encoding: str,
                 qos: QoSProfile) -> None:
        self._images = create_publisher(node, Image, topic, qos)
        self._infos = create_publisher(node, CameraInfo, sibling_info_topic(topic), qos)
        self._camera, self._encoding = camera, encoding

    def publish(self, depth_m: np.ndarray, header: Header) -> None:
        """Publish depths (H, W) along the optical axis in metres, NaN where there are none."""
        self._infos.publish(camera_info(self._camera, header))
        self._images.publish(encode_depth(depth_m, header, encoding=self._encoding))
