"""Procedural objects: random solids of five kinds, and stretched objects of the catalogue."""

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError
from pointpng_core.io.mesh_sampling import sample_surface
from pointpng_core.simulation.shapes.catalogue import make_object, object_names
from pointpng_core.simulation.shapes.surfaces import polygonise
from pointpng_core.training.data.objects import MAX_POINTS, Progress, RawObjects
from pointpng_core.training.data.random_solids import KINDS, random_solid
from pointpng_core.training.data.source_config import PROCEDURAL, SourceConfig

DEFAULT_COUNT = 256
VOXELS = 28
"""Voxels along the longest side, which give a smooth enough surface for 1024 points."""
_CATALOGUE_EVERY = 4
_STRETCH = (0.75, 1.3)


def read_procedural_objects(source: SourceConfig, *, seed: int, progress: Progress) -> RawObjects:
    """Generate the objects, every fourth from the catalogue, reproducibly by the seed.

    The class of an object is its kind. Raises ConfigError for a count that is not a number.
    """
    rows = source.choose(_count(source.path), None)
    class_names = (*KINDS, *object_names())
    labels = _labels(rows, random_kinds=len(KINDS),
                     catalogue_kinds=len(object_names()))

    def read(index: int) -> NDArray[np.float32]:
        rng = np.random.default_rng([seed, index])
        kind = class_names[labels[index]]
        if kind not in KINDS:
            points, normals = sample_surface(make_object(kind).mesh, MAX_POINTS, seed=index)
            stretch = rng.uniform(*_STRETCH, 3).astype(np.float32)
            return np.hstack((points * stretch, normals / stretch))
        solid = random_solid(kind, rng)
        mesh = polygonise(solid, voxel_m=float((solid.high - solid.low).max()) / VOXELS)
        return np.hstack(sample_surface(mesh, MAX_POINTS, seed=index))
    return RawObjects(read=read, labels=labels, class_names=class_names,
                      names=tuple(f'{class_names[label]}_{row:05d}'
                                  for row, label in zip(rows, labels)))


def _labels(rows: NDArray[np.int64], *, random_kinds: int, catalogue_kinds: int
            ) -> NDArray[np.int64]:
    """Return the classes (K,): those of each group in a cycle, the random kinds first."""
    catalogue = rows % _CATALOGUE_EVERY == _CATALOGUE_EVERY - 1
    earlier = rows // _CATALOGUE_EVERY
    return np.where(catalogue, random_kinds + earlier % catalogue_kinds,
                    (rows - earlier) % random_kinds)


def _count(path: str) -> int:
    _, colon, text = path.partition(':')
    if not colon:
        return DEFAULT_COUNT
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f'{path}: {text!r} is no number of objects; write, for example, '
                          f'{PROCEDURAL}:{DEFAULT_COUNT}')
    return int(text)
