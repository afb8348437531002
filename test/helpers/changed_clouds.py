"""PointCloud2 messages with fields of extreme or slightly wrong values."""

import math

import numpy as np
from rosbags.typesys import Stores, get_typestore

from helpers.mutations import EXTREME_INTEGERS
from pointpng_core.io.bags.reader import CLOUD_TYPE

STORE = get_typestore(Stores.ROS2_JAZZY)


def changed_cloud(raw, index):
    """The cloud with one to three fields of extreme or slightly wrong values."""
    message = STORE.deserialize_cdr(raw, CLOUD_TYPE)
    rng = np.random.default_rng([5, index])
    for _ in range(rng.integers(1, 4) if index else 0):
        holder = message if rng.random() < 0.6 else message.fields[rng.integers(3)]
        names = (('height', 'width', 'point_step', 'row_step', 'is_bigendian', 'data')
                 if holder is message else ('name', 'offset', 'datatype', 'count'))
        name = str(rng.choice(names))
        setattr(holder, name, changed_value(getattr(holder, name), rng))
    return message


def changed_value(value, rng):
    if isinstance(value, np.ndarray):
        return value[:rng.integers(len(value) + 1)] if rng.random() < 0.5 else np.tile(value, 2)
    if isinstance(value, str):
        return str(rng.choice(['x', 'y', 'z', 'rgb', '', 'x' * 10_000, '\x1b[2J', '\0']))
    near = [value + 1, value - 1, value * 2] if isinstance(value, (int, float)) else []
    odd = [*EXTREME_INTEGERS, *near, -1, 2.5, None, '7', math.nan]
    return odd[rng.integers(len(odd))]
