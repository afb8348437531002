"""tf, where a full ROS 2 has it: look-ups at the cloud's stamp and broadcasts of the poses."""

from collections.abc import Sequence
import time

from geometry_msgs.msg import TransformStamped
import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from pointpng_core.errors import CloudError
from pointpng_ros.health import optional_packages as optional
from pointpng_ros.messages.pose_messages import matrix_from_transform
from pointpng_ros.messages.stamps import time_of

JUMP_NS = 2_000_000_000
"""A stamp this much older than one before it: time jumped back; cameras differ by less."""
POLL_S = 0.005


class FrameLookup:
    """Transforms from a cloud's frame into the target frame; needs tf2_ros.

    `asked_by` is the parameter that names the target frame.
    """

    def __init__(self, node: Node, target_frame: str, *, asked_by: str = 'target_frame') -> None:
        self._tf2 = optional.require('tf2_ros', asked_by=f'the parameter {asked_by}')
        self.target_frame = target_frame
        self._asked_by = asked_by
        self._newest_ns = 0
        self._buffer = self._tf2.Buffer()
        self._listener = self._tf2.TransformListener(self._buffer, node)

    def T_target_cloud(self, header: Header, *, timeout_s: float = 0.0) -> np.ndarray:
        """Return (4, 4) at the cloud's own stamp; wait so long at most for tf to know it.

        Raises CloudError when it does not: no pose is better than one in a wrong frame. Wait only
        outside the executor, which receives tf.
        """
        stamp = time_of(header.stamp)
        self._forget_after_jump(stamp.nanoseconds)
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                return self._found(header, stamp)
            except CloudError:
                if time.monotonic() >= deadline_s:
                    raise
            time.sleep(POLL_S)

    def known(self, header: Header) -> np.ndarray | None:
        """Return (4, 4) at the cloud's own stamp; None where tf does not know it yet."""
        try:
            return self.T_target_cloud(header)
        except CloudError:
            return None

    def _found(self, header: Header, stamp: Time) -> np.ndarray:
        try:
            found = self._buffer.lookup_transform(
                self.target_frame, header.frame_id, stamp, timeout=Duration(seconds=0))
        except self._tf2.TransformException as error:
            raise CloudError(f'no transform from {header.frame_id!r} to {self._asked_by} '
                             f'{self.target_frame!r} at the stamp of the cloud: {error}'
                             ) from error
        return matrix_from_transform(found.transform)

    def _forget_after_jump(self, stamp_ns: int) -> None:
        """Empty the buffer when a bag starts again: tf refuses what is older than its newest.

        Static transforms stay.
        """
        if stamp_ns < self._newest_ns - JUMP_NS:
            self._buffer.clear()
            self._newest_ns = 0
        self._newest_ns = max(self._newest_ns, stamp_ns)


class PoseBroadcaster:
    """Puts every pose on /tf; needs tf2_ros."""

    def __init__(self, node: Node) -> None:
        tf2 = optional.require('tf2_ros', asked_by='the parameter publish_tf')
        self._broadcaster = tf2.TransformBroadcaster(node)

    def send(self, transforms: Sequence[TransformStamped]) -> None:
        """Broadcast TransformStamped messages."""
        if transforms:
            self._broadcaster.sendTransform(list(transforms))


