"""Reading bags, whole and damaged."""

import random

from helpers.bags import KINDS, PERIOD_NS, TOPIC, write_bag
import numpy as np
import pytest

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_of_bag_gives_its_clouds(tmp_path, kind):
    path, storage = write_bag(tmp_path, kind, chatter=True)
    for opened in {path, storage}:
        with CloudBag(opened) as bag:
            assert bag.topics == {TOPIC: 10}
            assert bag.choose_topic() == TOPIC
            clouds = list(bag.clouds(TOPIC))
            assert list(bag.clouds(TOPIC))[9][0] == clouds[9][0]
            assert bag.damage == ''
        assert [time_ns for time_ns, _ in clouds] == [i * PERIOD_NS for i in range(10)]
        for index, (_, message) in enumerate(clouds):
            np.testing.assert_array_equal(decode_cloud(message).points, np.full((200, 3), index))


def test_topics_are_listed_when_the_choice_is_unclear(tmp_path):
    path, _ = write_bag(tmp_path, 'mcap', topics=('/a', '/b'), count=3)
    with CloudBag(path) as bag:
        assert bag.choose_topic('/b') == '/b'
        with pytest.raises(ConfigError, match=r'choose one with --topic: /a \(3 clouds\), /b'):
            bag.choose_topic()
        with pytest.raises(ConfigError, match=r"no PointCloud2 topic '/c'; it has: /a"):
            bag.choose_topic('/c')
    path, _ = write_bag(tmp_path / 'other', 'mcap', topics=(), chatter=True)
    with CloudBag(path) as bag, pytest.raises(ConfigError, match='its topics: /chatter'):
        bag.choose_topic()


@pytest.mark.parametrize('kind', ['mcap', 'db3'])
@pytest.mark.parametrize('whole_folder', [True, False])
def test_a_truncated_bag_gives_what_is_intact(tmp_path, kind, whole_folder):
    path, storage = write_bag(tmp_path, kind, count=10, width=90_000)
    raw = storage.read_bytes()
    storage.write_bytes(raw[:len(raw) * 6 // 10])
    with CloudBag(path if whole_folder else storage) as bag:
        assert 'truncated or damaged' in bag.damage
        stamps = [message.header.stamp.sec for _, message in bag.clouds(TOPIC)]
        assert stamps == list(range(len(stamps)))
        assert 4 <= len(stamps) <= 6
        if whole_folder:
            assert f'{10 - len(stamps)} of 10 clouds are lost' in bag.damage
        assert len(list(bag.clouds(TOPIC))) == len(stamps)


def test_an_mcap_that_only_lost_its_summary_lost_no_cloud(tmp_path):
    path, storage = write_bag(tmp_path, 'mcap')
    storage.write_bytes(storage.read_bytes()[:-5])
    with CloudBag(path) as bag:
        assert len(list(bag.clouds(TOPIC))) == 10
        assert 'clouds are lost' not in bag.damage


@pytest.mark.parametrize('kind', KINDS)
def test_random_damage_gives_intact_clouds_or_file_error_only(tmp_path, kind):
    _, storage = write_bag(tmp_path, kind, count=8)
    raw = storage.read_bytes()
    rng = random.Random(3)
    for trial in range(30):
        data = bytearray(raw[:rng.randrange(len(raw))] if trial % 2 else raw)
        for _ in range(0 if trial % 2 else 10):
            data[rng.randrange(len(data))] = rng.randrange(256)
        storage.write_bytes(data)
        try:
            with CloudBag(storage) as bag:
                for topic in bag.topics:
                    list(bag.clouds(topic))
        except FileError as error:
            assert str(storage) in str(error)      # noqa: PT017


@pytest.mark.parametrize(('name', 'content', 'words'), [
    ('missing', None, 'there is no bag'), ('empty.mcap', b'', 'does not begin as an MCAP'),
    ('text.db3', b'hello' * 100, 'damaged from its beginning'),
    ('one.bag', b'#ROSBAG V2.0\n', 'rosbag reindex one.bag'),
    ('cloud.txt', b'x', 'cannot be repaired here')])
def test_files_that_are_no_bags_are_refused(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=words):
        CloudBag(tmp_path / name)


def test_a_folder_without_a_bag_is_refused(tmp_path):
    with pytest.raises(FileError, match='holds no bag file'):
        CloudBag(tmp_path)
