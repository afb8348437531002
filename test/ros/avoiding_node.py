"""The picking example, which says what it avoids before it reaches for an object."""

import sys

from pointpng_ros.examples.pick_and_place import PickAndPlace
from pointpng_ros.health.lifetime import run_node


class AvoidingNode(PickAndPlace):
    def avoid(self, obstacles, header):
        assert header.frame_id == 'base_link'
        assert all(obstacle.T_base_box.shape == (4, 4) for obstacle in obstacles)
        names = ', '.join(obstacle.name for obstacle in obstacles)
        self.get_logger().info(f'avoided: {names}')


if __name__ == '__main__':
    sys.exit(run_node(AvoidingNode, name='pick_and_place'))
