"""Depth images of a bag with the CameraInfo of the nearest stamp; topics that it lacks."""

from helpers.depth_bags import FOCAL_PX, IMAGE, INFO, depth_mm, write_depth_bag
import numpy as np
import pytest

from pointpng_core.errors import ConfigError
from pointpng_core.io.bags.depth_recording import depth_stream, recorded_depths
from pointpng_core.io.bags.reader import CloudBag


def read(path, **topics):
    with CloudBag(path) as bag:
        stream = depth_stream(bag, IMAGE, **topics)
        return [recorded for _, recorded in recorded_depths(bag, stream)], bag.damage


def focal_lengths(found):
    return [getattr(each.camera_info, 'k' if hasattr(each.camera_info, 'k') else 'K')[0]
            for each in found]


@pytest.mark.parametrize('kind', ['mcap', 'bag'])
def test_every_image_has_its_camera_info_and_becomes_a_cloud(tmp_path, kind):
    found, damage = read(write_depth_bag(tmp_path, kind))
    assert (len(found), damage) == (10, '')
    assert focal_lengths(found) == [FOCAL_PX + index for index in range(10)]
    cloud = found[3].cloud(rectified=False)
    np.testing.assert_allclose(cloud.points[1:, 2], depth_mm(3).reshape(-1)[1:] / 1000, rtol=1e-6)
    np.testing.assert_allclose(cloud.points[1, 0], (1 - 3.5) / (FOCAL_PX + 3) * 1.003, rtol=1e-6)
    assert (cloud.image_shape, cloud.finite_share) == ((6, 8), 47 / 48)


def test_one_latched_info_serves_all_images(tmp_path):
    found, _ = read(write_depth_bag(tmp_path, infos=1, late_info_s=100))
    assert focal_lengths(found) == [FOCAL_PX] * 10


def test_other_infos_are_taken_by_the_nearest_stamp(tmp_path):
    found, _ = read(write_depth_bag(tmp_path, infos=5, late_info_s=2))     # of seconds 2 to 6
    assert focal_lengths(found) == [FOCAL_PX + index for index in (0, 0, 0, 1, 2, 3, 4, 4, 4, 4)]


@pytest.mark.parametrize(('options', 'topics', 'words'), [
    ({}, {'camera_info_topic': '/x'}, f"no CameraInfo topic '/x'; it has: {INFO}"),
    ({'topics': ('/other', INFO)}, {}, f"no Image topic '{IMAGE}'; it has: /other"),
    ({'topics': (IMAGE, '/far/camera_info')}, {}, f"no CameraInfo topic '{INFO}'; it has: /far"),
    ({'infos': 0}, {}, f'no CameraInfo message on {INFO}')])
def test_what_is_not_in_the_bag_is_refused_with_what_is(tmp_path, options, topics, words):
    with pytest.raises(ConfigError, match=words):
        read(write_depth_bag(tmp_path, **options), **topics)
