"""Training objects: as read from a source, and normalised to a pool of points in diameters."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.errors import CloudError, FileError
from pointpng_core.geometry.clouds import centred, diameter_m, random_points, require_points

UNKNOWN = -1
"""Label of an object whose class is not known."""
MAX_POINTS = 8192
"""Points that readers sample of a surface or a segment; more would only cost memory."""
MIN_POINTS = 16
"""Objects with fewer points are left out."""
Progress = Callable[[int, int, str], None]
"""Called with (done, total, description)."""
_PROGRESS_EVERY = 100


@dataclass(frozen=True, kw_only=True)
class RawObjects:
    """K objects as a reader finds them in a source, in a fixed order.

    `read(k)` reads the points (n_k, 3) of one object, or (n_k, 6) with outward normals, in any
    unit, frame and number dtype, non-finite points included; it may raise CloudError or FileError,
    which excludes only that object. `labels` are (K,) int64 into `class_names`, UNKNOWN where
    there is no class. `losses` are sentences about data that could not be read; `facts` are added
    to the provenance unchanged.
    """

    read: Callable[[int], NDArray[np.generic]]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectSet:
    """K normalised objects of one source, on the CPU.

    points: (K, P, 3) float32, each about its centroid, in units of the largest distance between
    two points of the whole object, in random order. normals: (K, P, 3) float32, outward, zero
    where unknown. labels: (K,) int64 into `class_names`, -1 unknown. `weight` is the sampling
    weight of the source relative to others.
    """

    name: str
    points: Tensor
    normals: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    weight: float = 1.0
    provenance: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The arrays of an ObjectSet, which take long to compute and are cached."""

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    class_names: tuple[str, ...]
    facts: dict[str, Any]

    def as_set(self, *, name: str, weight: float, provenance: dict[str, Any]) -> ObjectSet:
        """Return the set, with the facts added to its provenance."""
        provenance = {'single_view': False, **provenance, **self.facts}
        return ObjectSet(name=name, points=torch.from_numpy(self.points),
                         normals=torch.from_numpy(self.normals),
                         labels=torch.from_numpy(self.labels), class_names=self.class_names,
                         names=self.names, weight=weight,
                         provenance={**provenance, 'objects': len(self.points)})


def prepare_objects(raw: RawObjects, *, name: str, pool: int, seed: int, limit: int = 0,
                    progress: Progress | None = None) -> Prepared:
    """Normalise every object; degenerate and unreadable ones are left out and counted.

    `pool` points are kept of each: larger objects are subsampled at random, points of smaller ones
    repeated. With `limit` > 0, that many objects are sampled at random. The same seed gives the
    same result. `facts` contain the number of objects left out (`left_out`) and sentences on the
    reasons (`losses`). Raises FileError when no object is left.
    """
    rows = _sampled_rows(len(raw), limit, seed)
    kept, clouds, refusals = [], [], Counter[str]()
    for done, row in enumerate(rows):
        if progress and done % _PROGRESS_EVERY == 0:
            progress(done, len(rows), f'objects of {name}')
        try:
            clouds.append(normalised(raw.read(row), pool=pool, seed=_object_seed(seed, row)))
            kept.append(row)
        except (CloudError, FileError) as error:
            refusals[str(error)] += 1
    if progress:
        progress(len(rows), len(rows), f'objects of {name}')
    losses = [*raw.losses, *_losses(refusals, len(rows), name)]
    if not kept:
        raise FileError('; '.join([f'{name} gives no object', *losses]))
    both = np.stack(clouds)
    return Prepared(points=both[..., :3].copy(), normals=both[..., 3:].copy(),
                    labels=raw.labels[kept].astype(np.int64),
                    names=tuple(raw.names[row] for row in kept), class_names=raw.class_names,
                    facts={**raw.facts, 'left_out': refusals.total(), 'losses': losses})


def normalised(cloud: NDArray[np.generic], *, pool: int, seed: int) -> NDArray[np.float32]:
    """Return (pool, 6): points of a cloud, centred, in diameters, in random order, and normals.

    The cloud is (N, 3), or (N, 6) with normals, which are zero otherwise. Raises CloudError for a
    cloud with fewer than MIN_POINTS finite points, or without extent.
    """
    has_normals = cloud.ndim == 2 and cloud.shape[1] == 6
    points = cloud[:, :3] if has_normals else cloud
    finite = require_points(points, least=MIN_POINTS, what='object')
    normals = _unit(cloud[np.isfinite(points).all(axis=1), 3:]) if has_normals \
        else np.zeros_like(finite)
    about_origin, _ = centred(finite)
    diameter = diameter_m(about_origin)
    if not 0 < diameter < np.inf:
        raise CloudError('object: all its points lie in one place' if diameter == 0 else
                         'object: its coordinates are too large')
    rows = np.hstack((about_origin / np.float32(diameter), normals))
    sample = random_points(rows, pool, seed=seed)
    sample[:, :3] = centred(sample[:, :3])[0]
    return sample


def _unit(normals: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return unit normals (N, 3), zero where a normal is zero or not finite."""
    rows = np.nan_to_num(normals.astype(np.float32), posinf=0.0, neginf=0.0)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(min=1e-9)
    return unit


def _sampled_rows(count: int, limit: int, seed: int) -> list[int]:
    if not 0 < limit < count:
        return list(range(count))
    sample = np.random.default_rng(seed).choice(count, limit, replace=False)
    return [int(row) for row in np.sort(sample)]


def _object_seed(seed: int, row: int) -> int:
    """Return the seed of one object, which does not depend on `limit`."""
    return int(np.random.SeedSequence([seed, row]).generate_state(1)[0])


def _losses(refusals: Counter[str], total: int, name: str) -> list[str]:
    if not refusals:
        return []
    reason, times = refusals.most_common(1)[0]
    return [f'{name}: {refusals.total()} of {total} objects are left out; {times} of them '
            f'because: {reason}']
