"""A node that reaches for one detected object at a time: chosen, followed, let go."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from pointpng_core.errors import CloudError
from pointpng_core.text import printable
from pointpng_ros.health import optional_packages as optional
from pointpng_ros.messages.stamps import time_of
from pointpng_ros.parameters.parameter_specs import ParameterGroup
from pointpng_ros.parameters.parameters import declare_parameters
from pointpng_ros.picking.grasp_rules import Obstacle, PickRules, RobotFrame, doubt_of

CHECK_S = 0.05


class Picker(Node):
    """Takes the surest object that the rules allow, until it expires or ~/done is called.

    `T_object_ways` are poses (4, 4) of the gripper in the object's frame, metres: how exactly they
    are known decides whether an object may be reached for. Raises MissingDependencyError without
    vision_msgs, ConfigError for refused parameters, which are the `PickRules`.
    """

    def __init__(self, name: str, *, T_object_ways: Sequence[np.ndarray]) -> None:
        super().__init__(name)
        groups = [ParameterGroup(prefix='', defaults=PickRules())]
        self._rules = cast(PickRules, declare_parameters(self, groups)[''])
        self._ways, self._robot = T_object_ways, RobotFrame(self, self._rules.base_frame)
        self._target, self._seen = '', Time()
        array = optional.require('vision_msgs.msg', asked_by=name).Detection3DArray
        self.create_subscription(array, 'pointpng/detections', self._choose, 1)
        self.create_service(Trigger, '~/done', self._done)
        self.create_timer(CHECK_S, self._expire)

    def reach(self, T_base_object: np.ndarray, header: Header) -> None:
        """Act on the target's pose (4, 4); `header` has the stamp of its cloud and base_frame."""
        raise NotImplementedError

    def avoid(self, obstacles: Sequence[Obstacle], header: Header) -> None:
        """Note what else is there, before `reach`: nothing is done unless a node derives it.

        The boxes of all objects but the target in base_frame, also of those that no rule allows
        to reach for and of poorly constrained ones.
        """

    def _choose(self, array: Any) -> None:
        fit = {found.id: found for found in array.detections if self._fits(found)}
        surest = max(fit, key=lambda name: fit[name].results[0].hypothesis.score, default='')
        name = self._target or surest
        if name in fit:
            self._aim(fit[name], [found for found in array.detections if found.id != name])

    def _fits(self, found: Any) -> bool:
        try:
            doubt = doubt_of(found, self._rules, age_s=self._age_s(time_of(found.header.stamp)),
                             T_object_ways=self._ways)
        except CloudError as error:
            doubt = str(error)
        if doubt:
            self.get_logger().info(printable(f'{found.id} refused, {doubt}'))
        return not doubt

    def _aim(self, found: Any, others: Sequence[Any]) -> None:
        try:
            T_base_object = self._robot.T_base_object(found)
            obstacles = [self._robot.obstacle(other) for other in others]
        except CloudError as error:
            self.get_logger().warning(printable(f'{found.id} refused, {error}'))
            return
        if not self._target:
            self.get_logger().info(printable(f'target {found.id}'))
        self._target, self._seen = found.id, time_of(found.header.stamp)
        header = Header(stamp=found.header.stamp, frame_id=self._rules.base_frame)
        self.avoid(obstacles, header)
        self.reach(T_base_object, header)

    def _expire(self) -> None:
        if self._target and not 0.0 <= self._age_s(self._seen) <= self._rules.max_age_s:
            self._let_go('expired')

    def _done(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = bool(self._target), self._target
        if self._target:
            self._let_go('done')
        return response

    def _let_go(self, why: str) -> None:
        self.get_logger().info(printable(f'target {self._target} {why}'))
        self._target = ''

    def _age_s(self, stamp: Time) -> float:
        return (self.get_clock().now().nanoseconds - stamp.nanoseconds) / 1e9
