"""MCAP files written record by record, so that they can lie."""

import struct
import zlib

MAGIC = b'\x89MCAP0\r\n'
CLOUD = 'sensor_msgs/msg/PointCloud2'


def record(kind, content):
    return struct.pack('<BQ', kind, len(content)) + content


def text(value):
    return struct.pack('<I', len(value)) + value.encode()


def definitions(topic='/camera/points', encoding='cdr'):
    return (record(3, struct.pack('<H', 1) + text(CLOUD) + text('ros2msg') + text(''))
            + record(4, struct.pack('<HH', 1, 1) + text(topic) + text(encoding) + text('')))


def message(data, time_ns, channel=1):
    return record(5, struct.pack('<HIQQ', channel, 0, time_ns, time_ns) + data)


def chunk(records, *, packed=None, compression='', start_ns=0, size=None, checksum=True):
    packed = records if packed is None else packed
    return record(6, struct.pack('<QQQI', start_ns, start_ns, len(records) if size is None
                                 else size, zlib.crc32(records) if checksum else 0)
                  + text(compression) + struct.pack('<Q', len(packed)) + packed)


def statistics(counts, chunks):
    pairs = b''.join(struct.pack('<HQ', *pair) for pair in counts.items())
    return record(11, struct.pack('<QHIIIIQQ', sum(counts.values()), 1, 1, 0, 0, chunks, 0, 0)
                  + struct.pack('<I', len(pairs)) + pairs)


def mcap_file(data, summary=b''):
    begin = MAGIC + record(1, text('ros2') + text('test')) + data + record(15, bytes(4))
    footer = record(2, struct.pack('<QQ', len(begin) if summary else 0, 0) + bytes(4))[:-4]
    checksum = struct.pack('<I', zlib.crc32(summary + footer) if summary else 0)
    return begin + summary + footer + checksum + MAGIC
