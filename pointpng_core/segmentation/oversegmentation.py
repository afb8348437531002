"""Parts of a surface: what hangs together between its concave creases."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.local_shape import Surface

_CRUMB_VOXELS = 8


def link_voxels(surface: Surface) -> np.ndarray:
    """Labels (V,) of the voxels that chains of links connect."""
    return _connected(surface.pairs[surface.linked], len(surface.centroids))


def cut_parts(surface: Surface, *, config: SegmenterConfig) -> np.ndarray:
    """Labels (V,) of the voxels: linked, and cut along the concave creases of the surface.

    This is the local convexity of Stein et al., "Object partitioning using local convexity" (CVPR
    2014), measured on voxels instead of supervoxels.
    """
    links = surface.pairs[surface.linked]
    return _adopt(_cut_creases(surface, links, config), links)


def _cut_creases(surface: Surface, links: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    """Labels (V,) of cores that hang together away from creases; -1 between them.

    Creases fade at their ends and would leak there, so they are widened: a piece that falls apart
    when they are widened by the whole crease radius starts from those cores, one that vanishes
    from what half of it leaves.
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
    labels[excluded | (np.bincount(labels)[labels] < _CRUMB_VOXELS)] = -1
    return labels


def _replace_by(labels: np.ndarray, cores: np.ndarray) -> np.ndarray:
    """Labels (V,) where every piece that contains cores is replaced by them."""
    start = labels.max() + 1
    with_core = np.unique(labels[(cores >= 0) & (labels >= 0)])
    replaced = np.where(np.isin(labels, with_core), -1, labels)
    return np.where(cores >= 0, cores + start, replaced)


def _adopt(labels: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Give voxels without a label that of a linked one, ring by ring.

    What is linked to no label at all (crumbs) is labelled by its own links.
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
