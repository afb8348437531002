"""Bags that the package writes itself: what goes in comes out, and nothing is overwritten."""

import numpy as np
import pytest

from pointpng_core.errors import FileError
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.io.bags.writer import write_bag
from pointpng_core.simulation.sample_files import write_sample


def test_clouds_come_back_as_they_were_written(tmp_path):
    clouds = np.random.default_rng(0).normal(size=(3, 4, 5, 3)).astype(np.float32)
    clouds[1, 2, 3] = np.nan
    write_bag(tmp_path / 'bag', clouds, topic='/points', frame_id='eye', rate_hz=4.0)
    with CloudBag(tmp_path / 'bag') as bag:
        read = list(bag.clouds(bag.choose_topic()))
        assert bag.damage == ''
    assert [time_ns for time_ns, _ in read] == [0, 250_000_000, 500_000_000]
    for (time_ns, message), cloud in zip(read, clouds):
        decoded = decode_cloud(message)
        assert decoded.image_shape == (4, 5)
        np.testing.assert_array_equal(decoded.points, cloud.reshape(-1, 3))
        stamp = message.header.stamp
        assert (message.header.frame_id, stamp.sec * 10**9 + stamp.nanosec) == ('eye', time_ns)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / 'bag').mkdir()
    with pytest.raises(FileError, match=r'cannot write the bag .*bag'):
        write_bag(tmp_path / 'bag', np.zeros((1, 2, 2, 3), np.float32), topic='/p', frame_id='e',
                  rate_hz=1.0)
    with pytest.raises(FileError, match='name a new folder'):
        write_sample(tmp_path / 'bag')
