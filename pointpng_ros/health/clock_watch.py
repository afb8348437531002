"""Warns while the node goes by simulated time and nobody publishes it on /clock."""

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType, ROSClock
from rclpy.node import Node

PERIOD_S, REPEAT_S = 2.0, 30.0


def clock_stands(node: Node) -> bool:
    """Return whether the node goes by simulated time and none has come: its clock is at zero."""
    clock = node.get_clock()
    return (isinstance(clock, ROSClock) and clock.ros_time_is_active
            and clock.now().nanoseconds == 0)


class ClockWatch:
    """Checks every few seconds, and logs a warning, again and again until time comes."""

    def __init__(self, node: Node, group: CallbackGroup) -> None:
        self._node = node
        node.create_timer(PERIOD_S, self.check, callback_group=group,
                          clock=Clock(clock_type=ClockType.STEADY_TIME))

    def check(self) -> None:
        """Warn where no time has come; called by a timer."""
        if clock_stands(self._node):
            self._node.get_logger().warning(
                'use_sim_time is true, but no time has come on /clock: ages of clouds are unknown '
                'and max_age_s drops none. Fix: play the bag with --clock, start the simulator, '
                'or set use_sim_time to false', throttle_duration_sec=REPEAT_S)
