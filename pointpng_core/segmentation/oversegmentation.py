"""Oversegmentation: the connected parts of a surface between its concave creases."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.local_shape import Surface

_MIN_CORE_VOXELS = 8


def link_voxels(surface: Surface) -> np.ndarray:
    """Return labels (V,) of the components that the links between voxels connect."""
    return _connected(surface.pairs[surface.linked], len(surface.centroids))


def cut_parts(surface: Surface, *, config: SegmenterConfig) -> np.ndarray:
    """Return labels (V,) of the connected parts after cutting the surface at concave creases.

    This is the local convexity of Stein et al., "Object partitioning using local convexity" (CVPR
    2014), measured on voxels instead of supervoxels.
    """
    links = surface.pairs[surface.linked]
    return _label_rest(_cut_creases(surface, links, config), links)


def _cut_creases(surface: Surface, links: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    """Return labels (V,) of connected cores away from the creases, and -1 between them.

    Creases fade out at their ends, where parts would stay connected, so they are widened: a part
    that splits when they are widened by the whole crease radius starts from the cores that are
    left, and one that vanishes from those left by half of the radius.
    """
    crease = surface.bend_rad > np.radians(config.min_crease_deg)
    if not crease.any():
        return _connected(links, len(crease))
    first, second = surface.pairs.T
    beside = np.flatnonzero(crease[first] != crease[second])
    pairs, distances = surface.pairs[beside], surface.distances_m[beside]
    labels = np.full(len(crease), -1, dtype=np.int64)
    for share in (0.5, 1.0):
        wide = crease.copy()
        wide[pairs[distances < share * config.crease_radius_m]] = True
        labels = _replace_by(labels, _cores(links, wide))
    return labels


def _cores(links: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    labels = _connected(links[~(excluded[links[:, 0]] | excluded[links[:, 1]])], len(excluded))
    labels[excluded | (np.bincount(labels)[labels] < _MIN_CORE_VOXELS)] = -1
    return labels


def _replace_by(labels: np.ndarray, cores: np.ndarray) -> np.ndarray:
    """Return labels (V,) where every part that contains cores is replaced by them."""
    start = labels.max() + 1
    with_core = np.unique(labels[(cores >= 0) & (labels >= 0)])
    replaced = np.where(np.isin(labels, with_core), -1, labels)
    return np.where(cores >= 0, cores + start, replaced)


def _label_rest(labels: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Return labels (V,) where voxels without a label have that of a linked one, ring by ring.

    Small components without any label get new ones.
    """
    labels = labels.copy()
    both = np.concatenate([links, links[:, ::-1]])
    while True:
        both = both[labels[both[:, 0]] < 0]
        rows = both[labels[both[:, 1]] >= 0]
        if len(rows) == 0:
            break
        labels[rows[:, 0]] = labels[rows[:, 1]]
    lost = labels < 0
    labels[lost] = _connected(both, len(labels))[lost] + labels.max() + 1
    return labels


def _connected(links: np.ndarray, count: int) -> np.ndarray:
    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)
