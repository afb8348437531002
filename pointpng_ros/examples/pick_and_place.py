"""One target at a time: from what pose_estimator detects to an approach and a grasp pose.

python3 -m pointpng_ros.examples.pick_and_place --ros-args -p label:=mug -p base_frame:=base_link
"""

import sys

from geometry_msgs.msg import PoseStamped
import numpy as np
from std_msgs.msg import Header

from pointpng_ros.health.lifetime import run_node
from pointpng_ros.messages.pose_messages import matrix_from_quat, pose_from_matrix
from pointpng_ros.picking.picker import Picker

# The gripper in the object's frame, metres and xyzw: it goes along its z axis, here down the
# object's own, and comes from 10 cm away.
T_OBJECT_GRASP = matrix_from_quat((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
T_OBJECT_APPROACH = T_OBJECT_GRASP @ matrix_from_quat((0.0, 0.0, -0.10), (0.0, 0.0, 0.0, 1.0))
WAYS = {'approach': T_OBJECT_APPROACH, 'grasp': T_OBJECT_GRASP}


class PickAndPlace(Picker):
    """Publishes ~/approach and ~/grasp of one target until that expires or ~/done is called."""

    def __init__(self) -> None:
        super().__init__('pick_and_place', T_object_ways=list(WAYS.values()))
        self._outputs = {way: self.create_publisher(PoseStamped, f'~/{way}', 1) for way in WAYS}

    def reach(self, T_base_object: np.ndarray, header: Header) -> None:
        """Publish where to go, for an object that may be picked."""
        for way, T_object_way in WAYS.items():
            pose = pose_from_matrix(T_base_object @ T_object_way)
            self._outputs[way].publish(PoseStamped(header=header, pose=pose))


if __name__ == '__main__':
    sys.exit(run_node(PickAndPlace, name='pick_and_place'))
