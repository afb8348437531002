"""One target at a time: from what pose_estimator detects to an approach and a grasp pose.

python3 -m pointpng_ros.examples.pick_and_place --ros-args -p label:=mug -p base_frame:=base_link
"""

import sys
from typing import cast

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.time import Time
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection3D, Detection3DArray

from pointpng_core.errors import CloudError
from pointpng_ros.lifetime import run_node
from pointpng_ros.parameter_specs import ParameterGroup
from pointpng_ros.parameters import declare_parameters
from pointpng_ros.picking import PickRules, RobotFrame, doubt_of, matrix_of, pose_of

# The gripper in the object's frame, metres and xyzw: it goes along its z axis, here down the
# object's own, and comes from 10 cm away.
T_OBJECT_GRASP = matrix_of((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
T_OBJECT_APPROACH = T_OBJECT_GRASP @ matrix_of((0.0, 0.0, -0.10), (0.0, 0.0, 0.0, 1.0))
WAYS = {'approach': T_OBJECT_APPROACH, 'grasp': T_OBJECT_GRASP}


class PickAndPlace(Node):
    """Publishes ~/approach and ~/grasp of one target until that expires or ~/done is called."""

    def __init__(self) -> None:
        super().__init__('pick_and_place')
        groups = [ParameterGroup(prefix='', defaults=PickRules())]
        self._rules = cast(PickRules, declare_parameters(self, groups)[''])
        self._robot = RobotFrame(self, self._rules.base_frame)
        self._target, self._seen = '', Time()
        self._outputs = {way: self.create_publisher(PoseStamped, f'~/{way}', 1) for way in WAYS}
        self.create_subscription(Detection3DArray, 'pointpng/detections', self._choose, 1)
        self.create_service(Trigger, '~/done', self._done)
        self.create_timer(0.05, self._expire)

    def _choose(self, array: Detection3DArray) -> None:
        fit = {found.id: found for found in array.detections if self._fits(found)}
        surest = max(fit, key=lambda name: fit[name].results[0].hypothesis.score, default='')
        name = self._target or surest
        if name in fit:
            self._aim(fit[name])

    def _fits(self, found: Detection3D) -> bool:
        doubt = doubt_of(found, self._rules, age_s=self._age_s(Time.from_msg(found.header.stamp)),
                         T_object_ways=list(WAYS.values()))
        if doubt:
            self.get_logger().info(f'{found.id} refused, {doubt}')
        return not doubt

    def _aim(self, found: Detection3D) -> None:
        try:
            T_base_object = self._robot.T_base_object(found)
        except CloudError as error:
            self.get_logger().warning(f'{found.id} refused, {error}')
            return
        if not self._target:
            self.get_logger().info(f'target {found.id}')
        self._target, self._seen = found.id, Time.from_msg(found.header.stamp)
        for way, T_object_way in WAYS.items():
            message = PoseStamped(pose=pose_of(T_base_object @ T_object_way))
            message.header.stamp = found.header.stamp
            message.header.frame_id = self._rules.base_frame
            self._outputs[way].publish(message)

    def _expire(self) -> None:
        if self._target and not 0.0 <= self._age_s(self._seen) <= self._rules.max_age_s:
            self._let_go('expired')

    def _done(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = bool(self._target), self._target
        if self._target:
            self._let_go('done')
        return response

    def _let_go(self, why: str) -> None:
        self.get_logger().info(f'target {self._target} {why}')
        self._target = ''

    def _age_s(self, stamp: Time) -> float:
        return (self.get_clock().now().nanoseconds - stamp.nanoseconds) / 1e9


if __name__ == '__main__':
    sys.exit(run_node(PickAndPlace, name='pick_and_place'))
