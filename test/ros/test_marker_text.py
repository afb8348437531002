"""Texts of markers stand above their objects, whichever axis of the frame points up."""

from dataclasses import replace

import numpy as np
import pytest
from std_msgs.msg import Header
from test_messages import result

from pointpng_ros.messages.markers import markers_of
from pointpng_ros.messages.posed_objects import objects_of

LIFT_M = 0.05


@pytest.mark.parametrize(('frame', 'up'), [
    ('camera_optical', (0, -1, 0)), ('camera_depth_optical_frame', (0, -1, 0)),
    ('Optical_1', (0, -1, 0)), ('base_link', (0, 0, 1)), ('map', (0, 0, 1)),
    ('camera_link', (0, 0, 1))])
def test_texts_are_lifted_along_the_vertical_of_their_frame(frame, up):
    T = np.eye(4)
    T[:3, 3] = [0.1, 0.2, 0.3]
    objects = objects_of(result(T))
    poor = [replace(posed, well_constrained=False) for posed in objects]
    array = markers_of(objects, Header(frame_id=frame), max_points=9, poorly_constrained=poor)
    texts = [marker.pose.position for marker in array.markers if marker.text]
    assert len(texts) == 2
    for text in texts:
        np.testing.assert_allclose([text.x, text.y, text.z],
                                   T[:3, 3] + LIFT_M * np.array(up), atol=1e-12)
