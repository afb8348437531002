"""Clouds into a new bag (MCAP), by rosbags, without ROS."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.bags.reader import CLOUD_TYPE


def write_bag(path: Path, clouds: Iterable[NDArray[np.float32]], *, topic: str, frame_id: str,
              rate_hz: float) -> None:
    """Write organised clouds (H, W, 3), metres, as a bag in a new folder; raises FileError."""
    from rosbags.rosbag2 import StoragePlugin, Writer, WriterError
    from rosbags.typesys import Stores, get_typestore
    store = get_typestore(Stores.ROS2_JAZZY)
    try:
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            connection = writer.add_connection(topic, CLOUD_TYPE, typestore=store)
            for index, points in enumerate(clouds):
                time_ns = round(index * 1e9 / rate_hz)
                message = _message(store.types, points, time_ns, frame_id)
                writer.write(connection, time_ns, bytes(store.serialize_cdr(message, CLOUD_TYPE)))
    except (OSError, WriterError) as error:
        raise FileError(f'cannot write the bag {path}: {error}') from error


def _message(types: Any, points: NDArray[np.float32], time_ns: int, frame_id: str) -> Any:
    height, width, _ = points.shape
    stamp = types['builtin_interfaces/msg/Time'](sec=time_ns // 10**9, nanosec=time_ns % 10**9)
    fields = [types['sensor_msgs/msg/PointField'](name=name, offset=4 * axis, datatype=7, count=1)
              for axis, name in enumerate('xyz')]
    return types[CLOUD_TYPE](
        header=types['std_msgs/msg/Header'](stamp=stamp, frame_id=frame_id), height=height,
        width=width, fields=fields, is_bigendian=False, point_step=12, row_step=12 * width,
        data=np.ascontiguousarray(points, np.float32).view(np.uint8).reshape(-1), is_dense=False)
