"""Small bags for tests, written by rosbags: MCAP, sqlite3 and ROS 1."""

import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

TOPIC = '/camera/points'
KINDS = ('mcap', 'db3', 'bag')
PERIOD_NS = 20_000_000
_CLOUD = 'sensor_msgs/msg/PointCloud2'
_STRING = 'std_msgs/msg/String'


def cloud_message(store, index, points, *, shape):
    """A cloud of points (N, 3) as `shape` (height, width); ROS 1 headers have a seq as well."""
    types = store.types
    extra = {'seq': index} if 'seq' in types['std_msgs/msg/Header'].__dataclass_fields__ else {}
    header = types['std_msgs/msg/Header'](
        stamp=types['builtin_interfaces/msg/Time'](sec=index, nanosec=7), frame_id='kinect',
        **extra)
    fields = [types['sensor_msgs/msg/PointField'](name=name, offset=4 * axis, datatype=7, count=1)
              for axis, name in enumerate('xyz')]
    data = np.ascontiguousarray(points, np.float32).view(np.uint8).reshape(-1)
    return types[_CLOUD](header=header, height=shape[0], width=shape[1], fields=fields,
                         is_bigendian=False, point_step=12, row_step=12 * shape[1], data=data,
                         is_dense=True)


def write_bag(folder, kind, *, count=10, width=200, topics=(TOPIC,), chatter=False, clouds=None,
              shape=None):
    """Write a bag of `count` clouds a topic, 20 ms apart; returns (bag, storage file).

    Every coordinate of a cloud is its index, unless `clouds` (N, 3) of `shape` are given.
    """
    if kind == 'bag':
        path = storage = folder / 'one.bag'
        store, writer = get_typestore(Stores.ROS1_NOETIC), Writer1(path)
        serialize = store.serialize_ros1
    else:
        path = folder / kind
        storage = path / f'{kind}.{kind}'
        plugin = StoragePlugin.MCAP if kind == 'mcap' else StoragePlugin.SQLITE3
        store = get_typestore(Stores.ROS2_JAZZY)
        writer, serialize = Writer2(path, version=9, storage_plugin=plugin), store.serialize_cdr
    with writer:
        chat = writer.add_connection('/chatter', _STRING, typestore=store) if chatter else None
        connections = [writer.add_connection(topic, _CLOUD, typestore=store) for topic in topics]
        for index in range(count):
            if chat:
                text = store.types[_STRING](data='hello')
                writer.write(chat, index * PERIOD_NS, bytes(serialize(text, _STRING)))
            points = np.full((width, 3), index) if clouds is None else clouds[index]
            message = cloud_message(store, index, points, shape=shape or (1, width))
            for connection in connections:
                raw = bytes(serialize(message, _CLOUD))
                writer.write(connection, index * PERIOD_NS, raw)
    return path, storage
