"""Recorded clouds with human labels: a ROS bag beside an npz of the objects' pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pointpng_core.errors import CloudError, FileError, MissingDependencyError

_CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'
_FLOAT32 = 7


@dataclass(frozen=True, kw_only=True)
class LabelledCloud:
    """An organised cloud: points (H * W, 3) float32 metres, label (H * W,), 0 for no object."""

    points: np.ndarray
    label: np.ndarray
    image_shape: tuple[int, int]


def read_labelled_bag(bag: Path, labels: Path) -> Iterator[LabelledCloud]:
    """Yield the clouds of a bag with their labels, in the order of the bag.

    labels: npz with `label` [F, H, W], one image per cloud. Raises FileError, CloudError, or
    MissingDependencyError without rosbags.
    """
    images = _read_labels(Path(labels))
    count = 0
    for points, image_shape in _read_clouds(Path(bag)):
        if count == len(images) or images[count].shape != image_shape:
            raise FileError(f'{labels}: no label image of {image_shape} for cloud {count} of '
                            f'{bag}; it holds {images.shape}')
        yield LabelledCloud(points=points, label=images[count].ravel(), image_shape=image_shape)
        count += 1
    if count != len(images):
        raise FileError(f'{bag}: {count} clouds, but {labels} labels {len(images)}')


def _read_labels(path: Path) -> np.ndarray:
    try:
        with np.load(path) as content:
            images = content['label']
    except (OSError, KeyError, ValueError) as error:
        raise FileError(f'cannot read labels from {path}: {error}') from error
    if images.ndim != 3:
        raise FileError(f'{path}: label has shape {images.shape}, expected [F, H, W]')
    return images


def _read_clouds(path: Path) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
    except ImportError as error:
        raise MissingDependencyError('reading bags needs rosbags: pip install rosbags') from error
    try:
        with AnyReader([path]) as reader:
            connections = [c for c in reader.connections if c.msgtype == _CLOUD_TYPE]
            for connection, _, raw in reader.messages(connections=connections):
                message: Any = reader.deserialize(raw, connection.msgtype)
                yield _xyz(message), (message.height, message.width)
    except (AnyReaderError, OSError) as error:
        raise FileError(f'cannot read the bag {path}: {error}') from error


def _xyz(message: Any) -> np.ndarray:
    """Points (N, 3) of a little-endian PointCloud2 message with float32 x, y, z, unpadded rows."""
    fields = {field.name: field for field in message.fields}
    if any(name not in fields or fields[name].datatype != _FLOAT32 for name in 'xyz') \
            or message.is_bigendian or message.row_step != message.width * message.point_step:
        raise CloudError('labelled bags hold unpadded little-endian clouds with float32 x, y, z; '
                         f'this one has fields {sorted(fields)}')
    layout = np.dtype({'names': ['x', 'y', 'z'], 'formats': ['<f4'] * 3,
                       'offsets': [fields[name].offset for name in 'xyz'],
                       'itemsize': message.point_step})
    cloud = np.frombuffer(message.data, dtype=layout)
    return np.stack([cloud['x'], cloud['y'], cloud['z']], axis=1)
