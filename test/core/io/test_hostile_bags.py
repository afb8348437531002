"""Bags that were made to act, to lie or to fill the memory: they are refused, or said to lie."""

import bz2
from contextlib import closing
import re
import shutil
import sqlite3

from backports import zstd
from helpers.bags import PERIOD_NS, TOPIC, write_bag
from helpers.fuzzing import fuzz
from helpers.mcap_files import chunk, definitions, mcap_file, message, statistics
import lz4.frame
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from pointpng_core.errors import FileError
from pointpng_core.io.bags import mcap_storage
from pointpng_core.io.bags.reader import CloudBag, find_bags
from pointpng_core.io.bags.unpacking import unpack_bz2, unpack_lz4, unpack_zstd
from pointpng_core.io.limits import MIB

SPACE = bytes(805 * MIB)


def read(path):
    """The seconds of the clouds of a bag, and its damage."""
    with CloudBag(path) as bag:
        return [message.header.stamp.sec for _, message in bag.clouds(TOPIC)], bag.damage


@pytest.fixture
def db3(tmp_path):
    path, storage = write_bag(tmp_path, 'db3', count=4)
    (path / 'metadata.yaml').unlink()
    return storage


def alter(storage, *statements):
    with closing(sqlite3.connect(storage)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize('cut', [False, True])
@pytest.mark.parametrize('hidden', ["ATTACH DATABASE '{0}' AS x", "VACUUM INTO '{0}'",
                                    'CREATE TABLE written(a)', 'PRAGMA user_version=7'])
def test_no_statement_in_the_schema_of_a_db3_is_executed(db3, tmp_path, hidden, cut):
    target = tmp_path / 'written'
    statement = hidden.format(target).replace("'", "''")
    alter(db3, 'PRAGMA writable_schema=ON',
          f"INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 0, '{statement}')")
    raw = db3.read_bytes()
    db3.write_bytes(raw[:-2000] if cut else raw)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*')}
    with pytest.raises(FileError, match="'x' is none of a bag"):
        CloudBag(db3)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*')} == before
    assert not target.exists()


@pytest.mark.parametrize('statement', [
    'CREATE VIEW metadata_view AS SELECT randomblob(1000000000) AS data',
    'CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM topics; END',
    'CREATE VIRTUAL TABLE words USING fts5(text)',
    'CREATE TABLE other(id INTEGER PRIMARY KEY)',
    'CREATE INDEX i ON messages (abs(timestamp))',
    'ALTER TABLE topics ADD COLUMN extra TEXT AS (hex(name))',
    'ALTER TABLE messages ADD COLUMN id2 INTEGER DEFAULT 7'])
def test_a_schema_that_holds_more_than_a_bag_is_refused(db3, statement):
    alter(db3, statement)
    with pytest.raises(FileError, match='is none of a bag of ROS 2'):
        CloudBag(db3)


def test_a_computed_column_is_never_computed(db3):
    alter(db3, 'DROP TABLE messages', 'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id '
          'INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB AS (zeroblob(900000000)))',
          'INSERT INTO messages(topic_id, timestamp) VALUES (1, 1)')
    with pytest.raises(FileError, match="'messages' is none of a bag"):
        CloudBag(db3)


def test_no_file_beside_a_db3_is_read_and_lost_messages_are_named(db3):
    """The newest messages of a recorder that was killed may be in its journal only."""
    connection = sqlite3.connect(db3)
    connection.execute('PRAGMA journal_mode=WAL')
    connection.execute('DELETE FROM messages WHERE id > 2')
    connection.commit()
    copy = db3.with_name('copy.db3')
    shutil.copy(db3, copy)
    shutil.copy(f'{db3}-wal', f'{copy}-wal')
    connection.close()
    clouds, damage = read(copy)
    assert clouds == [0, 1, 2, 3]
    assert 'its journal copy.db3-wal are not read' in damage


@pytest.mark.parametrize('odd', ["'text'", 'NULL', '7.5'])
def test_messages_that_are_no_bytes_end_the_reading(db3, odd):
    alter(db3, 'CREATE TABLE m2 AS SELECT * FROM messages', 'DROP TABLE messages',
          'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp '
          'INTEGER NOT NULL, data BLOB)', 'INSERT INTO messages SELECT * FROM m2',
          'DROP TABLE m2', f'UPDATE messages SET data = {odd} WHERE id = 3')
    clouds, damage = read(db3)
    assert clouds == [0, 1]
    assert '2 of 4 clouds are lost' in damage


def cloud_bytes(folder):
    """One cloud of the time 0, as a bag holds it."""
    _, storage = write_bag(folder, 'db3', count=1)
    with closing(sqlite3.connect(storage)) as connection:
        return connection.execute('SELECT data FROM messages').fetchone()[0]


PACKERS = {'zstd': zstd.compress, 'lz4': lz4.frame.compress}


@pytest.mark.parametrize('size', [96, len(SPACE)])
@pytest.mark.parametrize('compression', ['zstd', 'lz4'])
def test_a_chunk_that_unpacks_to_more_than_allowed_takes_no_memory(tmp_path, compression, size):
    """25 kB that become 805 MB, which the chunk may declare or hide."""
    bomb = chunk(b'', packed=PACKERS[compression](SPACE), compression=compression, size=size,
                 start_ns=2, checksum=False)
    whole = mcap_file(definitions() + chunk(message(cloud_bytes(tmp_path), 1)))
    data = mcap_file(definitions() + chunk(message(cloud_bytes(tmp_path / 'b'), 1)) + bomb)

    def reader(content):
        path = tmp_path / 'a.mcap'
        path.write_bytes(content)
        clouds, damage = read(path)
        assert clouds == [0]
        if damage:
            raise FileError(damage)
    report = fuzz(reader, lambda index: (whole, data)[index], inputs=2, name='bomb',
                  memory_bytes=300 * MIB)
    assert (report.accepted, report.refused) == (1, 1), report.failures


@pytest.mark.parametrize(('unpack', 'pack'), [
    (unpack_zstd, zstd.compress), (unpack_lz4, lz4.frame.compress), (unpack_bz2, bz2.compress)])
def test_unpacking_ends_at_its_limit(unpack, pack):
    packed = pack(bytes(1000))
    assert unpack(packed, 1000) == bytes(1000)
    for data, most, words in ((packed, 999, 'more than the 999 bytes'),
                              (packed[:-1], 1000, 'truncated'), (b'nonsense' * 9, 9, 'damaged')):
        with pytest.raises(FileError, match=words):
            unpack(data, most)


@pytest.mark.parametrize(('counts', 'chunks', 'words'), [
    ({1: 3}, 3, ''), ({1: 5}, 3, '2 of 5 clouds are lost'), ({1: 1}, 3, 'holds 3 clouds, but'),
    ({1: 3}, 4, 'holds 3 of 4 chunks'), ({1: 5}, 5, 'holds 3 of 5 chunks.*2 of 5 clouds are lost'),
    ({}, 3, ''), ({9: 3}, 3, '')])
def test_an_index_that_promises_what_is_not_there_is_damage(tmp_path, counts, chunks, words):
    data = definitions() + b''.join(chunk(message(cloud_bytes(tmp_path / str(k)), k), start_ns=k)
                                    for k in range(3))
    path = tmp_path / 'a.mcap'
    path.write_bytes(mcap_file(data, definitions() + statistics(counts, chunks)))
    clouds, damage = read(path)
    assert clouds == [0, 0, 0]
    assert bool(damage) == bool(words)
    assert re.search(words, damage)


def test_chunks_that_overlap_in_time_give_sorted_messages_and_bounded_memory(
        tmp_path, monkeypatch):
    cloud = cloud_bytes(tmp_path)
    times = [(0, 5, 8), (1, 2, 9), (1, 3, 4), (6, 7)]
    data = definitions() + b''.join(
        chunk(b''.join(message(cloud, t) for t in group), start_ns=group[0]) for group in times)
    path = tmp_path / 'a.mcap'
    path.write_bytes(mcap_file(data))

    def read_times():
        with CloudBag(path) as bag:
            return [time_ns for time_ns, _ in bag.clouds(TOPIC)]
    assert read_times() == [0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    monkeypatch.setattr(mcap_storage, 'MAX_MESSAGE_BYTES', 4 * len(cloud))
    assert sorted(read_times()) == [0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def write_packed(folder, plugin, mode):
    store = get_typestore(Stores.ROS2_JAZZY)
    writer = Writer(folder, version=9, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    _, plain = write_bag(folder.parent / 'plain', 'db3', count=3)
    with closing(sqlite3.connect(plain)) as connection:
        clouds = connection.execute('SELECT data FROM messages ORDER BY id').fetchall()
    with writer:
        topic = writer.add_connection(TOPIC, 'sensor_msgs/msg/PointCloud2', typestore=store)
        for index, (data,) in enumerate(clouds):
            writer.write(topic, index * PERIOD_NS, data)


@pytest.mark.parametrize('with_metadata', [True, False])
@pytest.mark.parametrize('mode', [None, CompressionMode.MESSAGE, CompressionMode.FILE])
@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_bag_without_its_metadata_is_whole(tmp_path, plugin, mode, with_metadata):
    path = tmp_path / 'bag'
    if mode is None:
        path, _ = write_bag(tmp_path, 'mcap' if plugin == StoragePlugin.MCAP else 'db3', count=3)
    else:
        write_packed(path, plugin, mode)
    if not with_metadata:
        (path / 'metadata.yaml').unlink()
    assert read(path) == ([0, 1, 2], '')
    [found] = find_bags(path)
    assert read(found) == ([0, 1, 2], '')


def test_files_of_other_folders_are_not_read(tmp_path):
    path, storage = write_bag(tmp_path, 'mcap', count=3)
    outside = tmp_path / 'outside.mcap'
    storage.rename(outside)
    metadata = path / 'metadata.yaml'
    for name in ('../outside.mcap', str(outside)):
        metadata.write_text(metadata.read_text().replace('mcap.mcap', name))
        with pytest.raises(FileError, match='holds no bag file'):
            CloudBag(path)


def test_bags_are_found_in_folders_that_link_to_themselves(tmp_path):
    path, _ = write_bag(tmp_path, 'mcap', count=1)
    deep = tmp_path.joinpath(*40 * ['x'])
    deep.mkdir(parents=True)
    for folder in (tmp_path, deep):
        (folder / 'one').symlink_to(tmp_path)
        (folder / 'two').symlink_to(tmp_path)
    assert find_bags(tmp_path) == [path]
    assert find_bags(tmp_path / 'one') == [tmp_path / 'one' / 'mcap']
