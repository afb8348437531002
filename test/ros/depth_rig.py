"""A depth camera of a test: publishes depth images, CameraInfo and masks, hears the node."""

from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from test_node import Rig

from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_ros.inputs.cloud_topics import cloud_qos
from pointpng_ros.messages.depth_messages import camera_info, encode_depth, encode_mask

IMAGE_TOPIC, INFO_TOPIC = '/camera/depth/image_raw', '/camera/depth/camera_info'
CAMERA = PinholeCamera(width=40, height=6, fx=10.0, fy=10.0, cx=-0.5, cy=0.0)
"""At a depth of 2 m, five columns are a metre of x: object_0 to object_7 of the stub node."""


@dataclass(kw_only=True)
class DepthShot:
    """What a depth camera publishes at once; None: not this."""

    image: Image
    info: CameraInfo | None = None
    mask: Image | None = None

    @property
    def header(self):
        return self.image.header


def header_of(second, frame='lens'):
    header = Header(frame_id=frame)
    header.stamp.sec, header.stamp.nanosec = second, 123456789
    return header


def shot(*metres, stamp=1, camera=CAMERA, encoding='16UC1', mask=None, frame='lens'):
    """Depth 2 m where x is within the given metres, nothing elsewhere; `mask` are metres too."""
    header = header_of(stamp, frame)
    metre = np.tile(np.arange(camera.width) // 5, (camera.height, 1))
    depth_m = np.where(np.isin(metre, metres), 2.0, np.nan)
    return DepthShot(
        image=encode_depth(depth_m, header, encoding=encoding), info=camera_info(camera, header),
        mask=None if mask is None else encode_mask(np.isin(metre, mask) * (metre + 1), header))


class DepthPublishers:
    """Publishers of one depth camera; in all that the rig asks of one, a single publisher."""

    def __init__(self, node, image_topic=IMAGE_TOPIC, info_topic=INFO_TOPIC, mask_topic=''):
        qos = cloud_qos('reliable')
        self.images = node.create_publisher(Image, image_topic, qos)
        self.infos = node.create_publisher(CameraInfo, info_topic, qos) if info_topic else None
        self.masks = node.create_publisher(Image, mask_topic, qos) if mask_topic else None
        self.topic_name = image_topic

    def get_subscription_count(self):
        publishers = [self.images, self.infos, self.masks]
        return min(publisher.get_subscription_count() for publisher in publishers if publisher)

    def publish(self, message):
        for publisher, part in ((self.infos, message.info), (self.images, message.image),
                                (self.masks, message.mask)):
            if publisher and part:
                publisher.publish(part)


class DepthRig(Rig):
    """The rig of clouds, with a depth camera instead."""

    def __init__(self, observer, **topics):
        super().__init__(observer)
        self.publisher = DepthPublishers(observer.node, **topics)
