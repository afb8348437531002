"""Mutated clouds through a running node over DDS: it lives, and poses belong to clouds it saw."""

from contextlib import suppress
from itertools import groupby
import statistics
import time

from helpers.changed_clouds import STORE, changed_cloud
from helpers.fuzzing import SHORT_INPUTS
from helpers.mutations import mutated
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import PointCloud2
from test_faults import PARAMETERS, Ledger, newest, origin
from test_node import cloud, stub_node

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CLOUD_TYPE
from pointpng_ros.endurance.resource_usage import resource_usage_of

PAUSE_S, GOOD_EVERY = 0.003, 20
LARGEST_BYTES, MOST_GROWTH_MB = 1 << 16, 25.0


class Fuzzer(Ledger):
    """Publishes serialised clouds, and knows which of them can have poses, and where."""

    def __init__(self, observer):
        super().__init__(observer)
        self.sent = self.whole = self.readable = self.verified = 0
        self.expected = {}

    def send_bytes(self, raw):
        """Publish what may be no cloud at all; what a pose of it would be is kept."""
        self.sent += 1
        try:
            message = deserialize_message(raw, PointCloud2)
            self.whole += 1
            points = decode_cloud(message).points
        except (CloudError, RuntimeError, UnicodeDecodeError):
            points = None                # RuntimeError: the bytes are no message, as DDS finds too
        if points is not None:
            self.readable += 1
            inside = points[np.isfinite(points).all(axis=1)]
            inside = inside[np.floor(inside[:, 0]) == 1]
            if len(inside) and message.header.frame_id:
                self.expected.setdefault(origin(message), set()).add(
                    tuple(inside.mean(axis=0).tolist()))
        self.publisher.publish(raw)

    def send(self, message):
        """Publish a good cloud."""
        self.send_bytes(bytes(serialize_message(message)))

    def check(self):
        """Every pose is the one of a readable cloud with its stamp and frame."""
        poses = self.poses[:]
        del self.poses[:len(poses)]
        for own, same in groupby(sorted(poses, key=origin), key=origin):
            means = np.array(list(self.expected.get(own, ()))).reshape(-1, 3)
            for pose in same:
                t = pose.transform.translation
                near = np.isclose(means, [t.x, t.y, t.z], rtol=1e-4, atol=1e-4).all(axis=1)
                assert near.any(), f'a pose of no cloud: {pose}'
        self.verified += len(poses)


def seeds():
    """Serialised clouds of objects at 1 m, in one row and organised."""
    organised = cloud(1, 3)
    organised.height, organised.width, organised.row_step = 5, 9, 9 * organised.point_step
    return [bytes(serialize_message(message)) for message in (cloud(1), organised)]


def maker():
    """Return a function from an index to a serialised cloud: good, or mutated in two ways.

    Mutated fields make messages that DDS can read, mutated bytes mostly some that it cannot.
    """
    whole = seeds()
    by_bytes = mutated(whole, tokens=[b'x\0', b'y\0', b'z\0'])

    def make(index):
        if index % GOOD_EVERY == 0:
            return bytes(serialize_message(cloud(1, stamp=10_000 + index)))
        if index % 2:
            with suppress(Exception):    # of values that no message can hold
                message = changed_cloud(whole[index // 2 % 2], index)
                return bytes(STORE.serialize_cdr(message, CLOUD_TYPE))
        return by_bytes(index)
    return make


@pytest.mark.parametrize('clouds', [
    SHORT_INPUTS * 5, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_mutated_clouds_over_dds(observer, clouds):
    """No crash, no failure, no pose of a cloud that it did not see, memory that stays."""
    fuzzer, make = Fuzzer(observer), maker()
    memory_mb, started_s = [], time.monotonic()
    with stub_node(*PARAMETERS) as node:
        fuzzer.connect()
        fuzzer.answer(cloud(1, stamp=5))
        for index in range(clouds):
            fuzzer.send_bytes(make(index)[:LARGEST_BYTES])
            time.sleep(PAUSE_S)
            if index % (clouds // 100) == 0:
                assert node.running, node.output
                memory_mb.append(resource_usage_of(node.pid).memory_mb)
                fuzzer.check()
        seconds = time.monotonic() - started_s
        fuzzer.answer(cloud(1, stamp=6))             # and it goes on
        states = {name: newest(fuzzer, name)
                  for name in ('received', 'processed', 'refused', 'failed', 'dropped')}
        traces = node.output.count('Traceback')
    middle, end = statistics.median(memory_mb[30:40]), statistics.median(memory_mb[-10:])
    print(f'{fuzzer.sent} mutated clouds over DDS, {fuzzer.sent / seconds:.0f} a second: '
          f'{fuzzer.whole} are messages, {fuzzer.readable} readable, {fuzzer.verified} poses, '
          f'{states}, memory {middle:.0f} MB after a third, {end:.0f} MB at the end')
    assert (states['failed'], traces) == (0, 0), node.output[node.output.find('Traceback'):][:3000]
    assert states['processed'] > 0
    assert states['refused'] > 0
    assert fuzzer.verified > clouds / GOOD_EVERY / 4
    assert end - middle < MOST_GROWTH_MB
