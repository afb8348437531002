"""Merging of parts into objects: across short or blunt creases, small parts, floating pieces."""

import numpy as np
from scipy.spatial import cKDTree

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.contacts import Contact, Ground, find_contacts
from pointpng_core.segmentation.local_shape import Surface

_MIN_PIECE_VOXELS = 8
# A plane meets 1 (aligned) to 1.7 (along a diagonal) voxels of edge v per area v^2.
_VOXELS_PER_FACE = 1.5


def merge_parts(surface: Surface, labels: np.ndarray, ground: Ground, *,
                config: SegmenterConfig) -> np.ndarray:
    """Return labels (V,) after merging the parts `labels` (V,) that are not separate objects.

    Cutting at creases also splits bottles, brackets and drills. Parts that touch are one
    object when the crease is not sharp, when one of them is small (a handle, a neck), when one is
    off the table and the crease short (the motor of a drill on its grip, the grip on its battery),
    or when one rises from a thin plate (the leg of a bracket).
    """
    labels = labels.copy()
    while True:
        merges = _merges(find_contacts(surface, labels, ground), labels, ground, config)
        if not merges:
            return _bridge(labels, surface.centroids, ground, config)
        for kept, absorbed in merges:
            labels[labels == absorbed] = kept


def _merges(contacts: list[Contact], labels: np.ndarray, ground: Ground,
            config: SegmenterConfig) -> list[tuple[int, int]]:
    """Return pairs (kept, absorbed) of parts to merge, smallest first, each part in one pair."""
    areas = _areas_m2(labels, config)
    grounded = _grounded(labels, ground, config)
    doubtful = [contact for contact in contacts if _is_one(contact, areas, grounded, config)]
    doubtful.sort(key=lambda contact: (min(areas[list(contact.parts)]), -contact.length_m))
    merges: list[tuple[int, int]] = []
    taken: set[int] = set()
    for contact in doubtful:
        if taken.isdisjoint(contact.parts):
            taken.update(contact.parts)
            kept, absorbed = sorted(contact.parts, key=lambda part: -areas[part])
            merges.append((kept, absorbed))
    return merges


def _is_one(contact: Contact, areas_m2: np.ndarray, grounded: np.ndarray,
            config: SegmenterConfig) -> bool:
    parts = list(contact.parts)
    if contact.bend_rad < np.radians(config.min_crease_deg):
        return True
    if areas_m2[parts].min() < config.min_part_area_m2:
        return True
    if not grounded[parts].all() and contact.length_m < config.min_contact_m:
        return True
    return contact.upper is not None and contact.height_m < config.min_step_m


def _areas_m2(labels: np.ndarray, config: SegmenterConfig) -> np.ndarray:
    """Return the visible area (P,) of each part."""
    return np.bincount(labels) * (config.voxel_size_m ** 2 / _VOXELS_PER_FACE)


def _grounded(labels: np.ndarray, ground: Ground, config: SegmenterConfig) -> np.ndarray:
    """Return whether each part (P,) reaches down to the table."""
    lowest = np.full(labels.max() + 1, np.inf)
    np.minimum.at(lowest, labels, ground.heights_m)
    return lowest < config.ground_gap_m


def _bridge(labels: np.ndarray, centroids: np.ndarray, ground: Ground,
            config: SegmenterConfig) -> np.ndarray:
    """Return labels (V,) with small floating pieces merged into the nearest part.

    An object may occlude the connection between its own parts, as that of a cap behind the
    shoulder of a lying bottle. Since nothing floats, such pieces belong to a part within
    `bridge_m`.
    """
    small = _areas_m2(labels, config) < config.min_part_area_m2
    loose = (small & ~_grounded(labels, ground, config))[labels]
    loose &= np.bincount(labels)[labels] >= _MIN_PIECE_VOXELS
    if not loose.any() or loose.all():
        return labels
    labels = labels.copy()
    distances, nearest = cKDTree(centroids[~loose]).query(centroids[loose])
    targets = labels[~loose][nearest]
    pieces = labels[loose]
    for piece in np.unique(pieces):
        best = np.where(pieces == piece, distances, np.inf).argmin()
        if distances[best] < config.bridge_m:
            labels[labels == piece] = targets[best]
    return labels
