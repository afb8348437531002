"""Recorded clouds with human labels: a ROS bag, and an npz with the pixels of the objects."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io.array_files import read_arrays
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CloudBag


@dataclass(frozen=True, kw_only=True)
class LabelledCloud:
    """An organised cloud: points (H * W, 3) float32 metres, label (H * W,), 0 for no object."""

    points: np.ndarray
    label: np.ndarray
    image_shape: tuple[int, int]


def read_labelled_bag(bag: Path, labels: Path) -> Iterator[LabelledCloud]:
    """Yield the clouds of a bag with their labels, in the order of the bag.

    labels: npz with `label` [F, H, W], one image per cloud. Raises FileError (for a damaged bag
    too), ConfigError unless the bag has one topic of clouds, CloudError for clouds that cannot be
    read, or MissingDependencyError without rosbags.
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
    images = read_arrays(path, ('label',)).get('label')
    if images is None or images.ndim != 3 or images.dtype.kind not in 'iu':
        raise FileError(f'{path}: expected label [F, H, W], whole numbers, got '
                        + ('none' if images is None else f'{images.shape} of {images.dtype}'))
    return images


def _read_clouds(path: Path) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    with CloudBag(path) as bag:
        for _, message in bag.clouds(bag.choose_topic()):
            cloud = decode_cloud(message)
            yield cloud.points, (message.height, message.width)
        if bag.damage:
            raise FileError(bag.damage)
