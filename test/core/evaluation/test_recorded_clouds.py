"""The frames of a recording, whether they are clouds or depth images."""

from helpers.depth_bags import IMAGE, depth_mm, write_depth_bag
import numpy as np
import pytest

from pointpng_core.errors import ConfigError
from pointpng_core.evaluation.recordings.frame_sequence import choose_topic, recorded_clouds
from pointpng_core.io.bags.reader import CloudBag


def test_depth_images_of_a_bag_are_clouds(tmp_path):
    with CloudBag(write_depth_bag(tmp_path, count=3)) as bag:
        found = list(recorded_clouds(bag, choose_topic(bag, IMAGE)))
    assert [recorded.stamp_ns for recorded in found] == [index * 10**9 + 7 for index in range(3)]
    for index, recorded in enumerate(found):
        assert (recorded.frame_id, recorded.refused) == ('lens', None)
        depth_m = recorded.cloud.points[1:, 2]
        np.testing.assert_allclose(depth_m, depth_mm(index).reshape(-1)[1:] / 1000, rtol=1e-6)


def test_depth_images_are_only_taken_when_asked_for(tmp_path):
    with CloudBag(write_depth_bag(tmp_path, count=1)) as bag, \
            pytest.raises(ConfigError, match='no PointCloud2 topic'):
        choose_topic(bag, None)


def test_depth_images_without_camera_info_are_refused_by_name(tmp_path):
    path = write_depth_bag(tmp_path, count=1, topics=(IMAGE, '/elsewhere/camera_info'))
    with CloudBag(path) as bag, pytest.raises(ConfigError, match='CameraInfo'):
        choose_topic(bag, IMAGE)
