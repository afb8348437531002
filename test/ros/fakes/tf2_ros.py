"""Fake of tf2_ros in a node's process: what came on /tf_of_test, at exactly its stamp."""

from geometry_msgs.msg import TransformStamped
from rclpy.time import Time


class TransformException(Exception):
    """What is not known."""


class Buffer(dict):
    """Transforms by target, source and nanoseconds."""

    def lookup_transform(self, target, source, time, timeout):
        assert timeout.nanoseconds == 0
        if (target, source, time.nanoseconds) not in self:
            raise TransformException('extrapolation into the future')
        return self[target, source, time.nanoseconds]


class TransformListener:
    """Fills a buffer."""

    def __init__(self, buffer, node):
        def keep(message):
            stamp_ns = Time.from_msg(message.header.stamp).nanoseconds
            buffer[message.header.frame_id, message.child_frame_id, stamp_ns] = message
            node.get_logger().info(f'tf at {message.header.stamp.sec} s')

        node.create_subscription(TransformStamped, '/tf_of_test', keep, 10)
