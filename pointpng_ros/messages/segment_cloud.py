"""The segments of a frame as one cloud, each point with the number of its object."""

from collections.abc import Sequence

import numpy as np
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from pointpng_ros.messages.cloud_message import encode_cloud
from pointpng_ros.messages.posed_objects import PosedObject


def segment_cloud(objects: Sequence[PosedObject], unposed: Sequence[np.ndarray], header: Header
                  ) -> PointCloud2:
    """Return x, y, z, instance: 0, 1, ... in the order of the poses; -1, -2, ... without a pose.

    `unposed` holds (N, 3) points of each segment without one, metres, in the published frame.
    """
    parts = [*((number, posed.points) for number, posed in enumerate(objects)),
             *((-1 - number, points) for number, points in enumerate(unposed))]
    points = np.concatenate([np.empty((0, 3), np.float32), *(part for _, part in parts)])
    instances = np.repeat([number for number, _ in parts], [len(part) for _, part in parts])
    return encode_cloud(points, header, instances=instances)
