"""A camera for the stub node: 20 clouds a second of object_1, stamped 1 s, 2 s, ... for ever."""

from itertools import count
import time

import rclpy
from sensor_msgs.msg import PointCloud2
from test_node import TOPIC, cloud

from pointpng_ros.inputs.cloud_topics import cloud_qos


def main():
    rclpy.init()
    node = rclpy.create_node('stub_camera')
    publisher = node.create_publisher(PointCloud2, TOPIC, cloud_qos('reliable'))
    for stamp in count(1):
        publisher.publish(cloud(1, stamp=stamp))
        time.sleep(0.05)


if __name__ == '__main__':
    main()
