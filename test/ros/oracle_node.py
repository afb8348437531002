"""Fake of pose_estimator in tests of the demo: answers with the truth, made worse on demand.

SHIFT_MM moves every pose, RELABEL names every object 'can', CRASH ends the node at its start,
UPSIDE_DOWN also publishes the objects that are not in view, rotated by half a turn.
"""

from collections import defaultdict
import contextlib
import os
import sys

from geometry_msgs.msg import TransformStamped
import rclpy
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

SHIFT_M = float(os.environ.get('SHIFT_MM', '0')) / 1000


def main():
    if os.environ.get('CRASH'):
        sys.exit('the oracle broke its tripod')
    rclpy.init()
    node = rclpy.create_node('oracle')
    poses = node.create_publisher(TransformStamped, '/pointpng/pose', 100)
    markers = node.create_publisher(MarkerArray, '/pointpng/markers', 100)
    truths = defaultdict(list)
    headers = []

    def on_truth(message):
        truths[message.header.stamp.sec, message.header.stamp.nanosec].append(message)

    def on_hidden(message):
        """Rotate by half a turn about the object's x axis: xyzw times (1, 0, 0, 0)."""
        q = message.transform.rotation
        q.x, q.y, q.z, q.w = q.w, q.z, -q.y, -q.x
        on_truth(message)

    def answer():
        """Two clouds later, when the truths of this one have surely come."""
        while len(headers) > 2:
            header = headers.pop(0)
            for message in truths[header.stamp.sec, header.stamp.nanosec]:
                message.transform.translation.z += SHIFT_M
                if os.environ.get('RELABEL'):
                    message.child_frame_id = 'can_0'
                poses.publish(message)
            markers.publish(MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)]))

    node.create_subscription(TransformStamped, '/pointpng/ground_truth', on_truth, 100)
    if os.environ.get('UPSIDE_DOWN'):
        node.create_subscription(TransformStamped, '/pointpng/ground_truth_hidden', on_hidden, 100)
    node.create_subscription(PointCloud2, '/camera/depth/points',
                             lambda message: headers.append(message.header), 5)
    node.create_timer(0.1, answer)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
