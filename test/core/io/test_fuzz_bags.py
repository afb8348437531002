"""Mutated bags: each is refused, or said to be damaged, or gives what it holds in order."""

from contextlib import closing, suppress
import sqlite3

from backports import zstd
from helpers.bags import PERIOD_NS, TOPIC, write_bag
from helpers.depth_bags import write_depth_bag
from helpers.fuzzing import each_size, file_reader, fuzz
from helpers.mcap_files import chunk, definitions, mcap_file, message, statistics
from helpers.mutations import mutated
from helpers.naive_messages import check_cloud
import lz4.frame
import pytest

from pointpng_core.errors import CloudError, FileError
from pointpng_core.io.bags.depth_recording import depth_stream, only_topic, recorded_depths
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import IMAGE_TYPE, CloudBag, find_bags

COUNT = 4


def read_bag(path):
    """Read all of a bag and compare it with what it promises; FileError where it is damaged."""
    with CloudBag(path) as bag:
        for topic, promised in bag.topics.items():
            times = []
            for time_ns, cloud in bag.clouds(topic):
                times.append(time_ns)
                with suppress(CloudError):         # of an intact record of a message that is none
                    check_cloud(cloud, decode_cloud(cloud))
            assert times == sorted(times)
            if bag.damage:
                raise FileError(bag.damage)
            assert len(times) == promised
        if bag.topics_of(IMAGE_TYPE):
            list(recorded_depths(bag, depth_stream(bag, only_topic(bag))))
        if bag.damage:
            raise FileError(bag.damage)


def read_folder(path):
    for bag in find_bags(path):
        read_bag(bag)


@pytest.fixture
def cloud(tmp_path):
    _, storage = write_bag(tmp_path / 'one', 'db3', count=1, width=40)
    with closing(sqlite3.connect(storage)) as connection:
        return connection.execute('SELECT data FROM messages').fetchone()[0]


@pytest.fixture
def mcaps(tmp_path, cloud):
    """MCAP files: as rosbags writes them, chunked, compressed, not indexed, of depth images."""
    def chunks(name, pack):
        return b''.join(chunk(records, packed=pack(records), compression=name,
                              start_ns=index * PERIOD_NS)
                        for index in range(COUNT) for records in [message(
                            cloud, index * PERIOD_NS)])
    summary = definitions() + statistics({1: COUNT}, COUNT)
    _, plain = write_bag(tmp_path, 'mcap', count=COUNT, width=40, chatter=True)
    return [plain.read_bytes(), mcap_file(definitions() + chunks('', bytes), summary),
            mcap_file(chunks('zstd', zstd.compress), summary),
            mcap_file(chunks('lz4', lz4.frame.compress), summary),
            mcap_file(definitions() + b''.join(message(cloud, k) for k in range(COUNT))),
            next(write_depth_bag(tmp_path, count=2).glob('*.mcap')).read_bytes()]


@each_size
def test_mcap(mcaps, inputs):
    fuzz(file_reader(read_bag, 'a.mcap'), mutated(mcaps), inputs=inputs, valid=len(mcaps),
         name='MCAP').check()


@each_size
def test_what_checksums_protect_is_never_read_otherwise(mcaps, inputs):
    """Of a file with checksums of its chunks and its index: the same clouds, or damage."""
    def read(path):
        with CloudBag(path) as bag:
            found = [(time_ns, bytes(cloud.data)) for time_ns, cloud in bag.clouds(TOPIC)]
            if bag.damage:
                raise FileError(bag.damage)
        assert found == expected or not found      # a topic of another name has no clouds
    read_path = file_reader(read, 'a.mcap')
    expected = []

    def first(path):
        with CloudBag(path) as bag:
            expected.extend((time_ns, bytes(cloud.data)) for time_ns, cloud in bag.clouds(TOPIC))
    file_reader(first, 'a.mcap')(mcaps[2])
    fuzz(read_path, mutated(mcaps[2:3]), inputs=inputs, name='MCAP with checksums').check()


@each_size
def test_sqlite(tmp_path, inputs):
    _, storage = write_bag(tmp_path, 'db3', count=COUNT, width=40, chatter=True)
    tokens = [b'ATTACH DATABASE', b'CREATE VIEW', b'CREATE TRIGGER', b'CREATE TABLE messages(',
              b' AS (zeroblob(1000000000))', b' USING fts5(x)', b'randomblob(', b'WITHOUT ROWID']
    fuzz(file_reader(read_bag, 'a.db3'), mutated([storage.read_bytes()], tokens=tokens),
         inputs=inputs, name='sqlite bag').check()


@each_size
def test_ros_1_bag(tmp_path, inputs):
    _, storage = write_bag(tmp_path, 'bag', count=COUNT, width=40, chatter=True)
    depth = write_depth_bag(tmp_path, 'bag', count=2)
    fuzz(file_reader(read_bag, 'a.bag'), mutated([storage.read_bytes(), depth.read_bytes()]),
         inputs=inputs, valid=2, name='ROS 1 bag').check()


@each_size
def test_metadata(tmp_path, inputs):
    """A bag whose metadata.yaml is mutated is read all the same, unless it names other files."""
    path, _ = write_bag(tmp_path, 'mcap', count=COUNT, width=40)
    metadata = path / 'metadata.yaml'
    tokens = [b'&a [*a, *a]', b'!!python/object/apply:os.system [id]', b'- ../../etc/passwd\n',
              b'*a', b'? ', b'{' * 500, b'- ' * 500, b'2026-99-99', b'"\\x1b[2J"']

    def read(data):
        metadata.write_bytes(data)
        read_folder(path)
    fuzz(read, mutated([metadata.read_bytes()], tokens=tokens), inputs=inputs,
         name='metadata.yaml').check()
