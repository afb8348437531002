"""Objects with class labels, and their rotated clouds as input of classifiers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pointpng_core.errors import FileError
from pointpng_core.training.data import ObjectSet
from pointpng_core.training.point_samples import random_rotation_matrices

ROTATIONS = {'upright': ('none', 'none'), 'z/SO3': ('up', 'so3'), 'SO3/SO3': ('so3', 'so3')}
"""Rotations of training and test clouds; `up` is about the vertical axis of the data."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledObjects:
    """K objects of one split whose class is known."""

    points: Tensor
    """(K, P, 3) centred, in diameters."""
    labels: Tensor
    """(K,) into class_names."""
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, object_sets: Sequence[ObjectSet], *, split: str) -> 'LabelledObjects':
        """Join sets of the same classes; raises FileError where labels or objects are missing."""
        for objects in object_sets:
            if len(objects.points) == 0:
                raise FileError(f'{objects.name}: the {split} split is empty; classification '
                                'needs a training and a test split')
            if not (objects.labels >= 0).any():
                raise FileError(f'{objects.name}: its objects have no labels; classification '
                                'needs them')
        names = {objects.class_names for objects in object_sets}
        if len(names) != 1:
            raise FileError(f'{" and ".join(objects.name for objects in object_sets)}: the '
                            'sources have different classes; evaluate them one by one')
        labels = torch.cat([objects.labels for objects in object_sets])
        points = torch.cat([objects.points for objects in object_sets])
        known = labels >= 0
        return cls(points=points[known], labels=labels[known], class_names=names.pop())

    def take(self, rows: Tensor) -> 'LabelledObjects':
        """Return some of the objects."""
        return replace(self, points=self.points[rows], labels=self.labels[rows])

    def clouds(self, count: int, rotation: str, *, generator: torch.Generator) -> Tensor:
        """Return the first points of all objects (K, count, 3), randomly rotated.

        `rotation` is a kind that `training.point_samples.random_rotation_matrices` takes.
        """
        clouds = self.points[:, :count]
        clouds = clouds - clouds.mean(dim=1, keepdim=True)
        R = random_rotation_matrices(len(clouds), rotation, generator=generator)
        return clouds @ R.transpose(1, 2)


def rotations_of(rotations: str, up: str) -> tuple[str, str]:
    """Return the kinds of rotation of training and test clouds under one of ROTATIONS."""
    train, test = (up if kind == 'up' else kind for kind in ROTATIONS[rotations])
    return train, test


def check_same_classes(train: LabelledObjects, test: LabelledObjects) -> None:
    """Refuse splits whose labels mean different classes; raises FileError."""
    if train.class_names != test.class_names:
        raise FileError(f'the training split has the classes {", ".join(train.class_names)}, the '
                        f'test split {", ".join(test.class_names)}')
    if len(train.labels.unique()) < 2:
        raise FileError('all objects of the training split have one class: a classifier needs two')
    missing = set(test.labels.tolist()) - set(train.labels.tolist())
    if missing:
        names = ', '.join(test.class_names[label] if label < len(test.class_names) else str(label)
                          for label in sorted(missing))
        raise FileError(f'the training split has no object of the class {names}')
