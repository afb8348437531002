"""What speaks for and against a plane being a support: what stands on it, and how solid it is."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.plane_patch import PlanePatch
from pointpng_core.segmentation.sampling import FULL_SAMPLE, Sample

_COLUMN_M = 0.03
_MAX_FOOT_M = 0.03
_MIN_GROUP_POINTS = 5
_FILL_CELL = 0.045  # of the distance: 2 to 8 of the sampled pixels of a full 60-degree image
_BODY_STEP_M = 0.02
_BORDER_M = 0.03
_INSET_M = 0.01
_MIN_WIDTH_M = 0.05


@dataclass(frozen=True, kw_only=True)
class PatchEvidence:
    """How a sample of the cloud lies relative to a patch.

    own_share: share of the sample that lies on it;
    groups, standing_share: connected groups of points that stand on it, and their share;
    free_share: share of the sample on neither this nor another large plane;
    fill: share of its outline, where nothing hides it, that shows the plane: the outline around
    several objects shows mostly what lies behind, or nothing;
    sharpness: see the function;
    body_m: how far a surface goes down from its border without a gap: the thickness of a board,
    the height of a box;
    distance_m: from the camera to its median point.
    """

    own_share: float
    groups: int
    standing_share: float
    free_share: float
    fill: float
    sharpness: float
    body_m: float
    distance_m: float

    @property
    def clarity(self) -> float:
        """Return how clearly the outline shows one flat surface: about 1 for a table."""
        return self.fill * self.sharpness


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Where the points of a sample lie relative to a patch.

    heights (M,) above its plane; flat (2, M) in it; outside (M,) of its outline; own (M,) whether
    they lie on it, within their tolerance and its border.
    """

    heights: np.ndarray
    flat: np.ndarray
    outside: np.ndarray
    own: np.ndarray


def relate(patch: PlanePatch, sample: Sample) -> Relation:
    """Return where the points of a sample lie relative to a patch."""
    heights, flat = patch.plane.heights(sample.points), patch.flat(sample.points)
    outside = patch.outside_flat(flat)
    own = (np.abs(heights) < sample.tolerance_m) & (outside < _BORDER_M)
    return Relation(heights=heights, flat=flat, outside=outside, own=own)


def sharpness(patch: PlanePatch, sample: Sample, relation: Relation) -> float:
    """Return the share of the points within three tolerances that are within one.

    Only points inside of the outline count. A surface that merely crosses the plane goes on above
    or below it: its share is about a third. 1 for a strip too narrow to say.
    """
    if patch.size_m[1] < _MIN_WIDTH_M:
        return 1.0
    heights = np.abs(relation.heights[relation.outside < -_INSET_M])
    tolerance = sample.tolerance_m[relation.outside < -_INSET_M]
    band = (heights < 3 * tolerance).sum()
    return float((heights < tolerance).sum() / band) if band else 1.0


def weigh(patch: PlanePatch, sample: Sample, relation: Relation, elsewhere: np.ndarray, *,
          config: SegmenterConfig) -> PatchEvidence:
    """Return the evidence of a sample; points `elsewhere` (M,) lie on another large plane."""
    heights, outside, own = relation.heights, relation.outside, relation.own
    tolerance = sample.tolerance_m
    above = (heights > tolerance) & (heights < config.max_height_m) & (outside < 0) & ~elsewhere
    groups, standing = _standing(relation.flat[:, above], (heights - tolerance)[above])
    border = (heights < -2 * tolerance) & (np.abs(outside) < _BORDER_M)
    distances = np.sort(sample.distance_m[own]) if own.any() else np.ones(1)
    median_m, far_m = distances[[len(distances) // 2, 9 * len(distances) // 10]]
    return PatchEvidence(
        own_share=float(own.mean()), groups=groups, standing_share=standing / len(heights),
        free_share=float((~own & ~elsewhere).mean()),
        fill=_fill(patch, sample, relation, float(far_m)),
        sharpness=sharpness(patch, sample, relation), body_m=_body_m(-heights[border]),
        distance_m=float(median_m))


def _standing(flat: np.ndarray, heights: np.ndarray) -> tuple[int, int]:
    """Return the number of groups that touch the plane, and that of all their points.

    `flat` (2, K) and `heights` (K,) are of points above the plane. Groups are connected in the
    plane; one whose lowest point is clear of the plane does not stand on it, or hides its foot.
    """
    if len(heights) == 0:
        return 0, 0
    cells = ((flat - flat.min(axis=1, keepdims=True)) / _COLUMN_M).astype(np.int64)
    occupied = np.zeros(cells.max(axis=1) + 1, dtype=bool)
    occupied[tuple(cells)] = True
    labels, count = ndimage.label(occupied, structure=np.ones((3, 3)))
    group = labels[tuple(cells)] - 1
    lowest = np.full(count, np.inf)
    np.minimum.at(lowest, group, heights)
    sizes = np.bincount(group, minlength=count)
    standing = (lowest < _MAX_FOOT_M) & (sizes >= _MIN_GROUP_POINTS)
    return int(standing.sum()), int(sizes[standing].sum())


def _fill(patch: PlanePatch, sample: Sample, relation: Relation, distance_m: float) -> float:
    """Return the share of the outline's cells that show the plane, of those not hidden.

    Every point is moved along its ray to the plane: it shows what the camera saw there. 1 for an
    outline narrower than a cell.
    """
    count = len(relation.heights)
    cell = _FILL_CELL * max(distance_m, 0.7) * max(1.0, np.sqrt(FULL_SAMPLE / count))
    shape = np.ceil(np.array(patch.outside_map_m.shape) * patch.cell_m / cell).astype(int)
    centres = (np.indices(shape).reshape(2, -1) + 0.5) * cell
    inside = patch.outside_flat(centres) < -cell / 2
    if not inside.any():
        return 1.0
    slopes = relation.heights - patch.plane.offset_m  # normal . p: negative towards the plane
    ahead = np.flatnonzero(slopes < 0)
    corner = patch.corner_m[:, None]
    hits = (relation.flat[:, ahead] + corner) * (-patch.plane.offset_m / slopes[ahead]) - corner
    known = ((hits >= 0) & (hits < shape[:, None] * cell)).all(axis=0)
    rows, columns = (hits[:, known] / cell).astype(np.int64)
    ahead = ahead[known]
    index = rows * shape[1] + columns
    nearer = relation.heights[ahead] > sample.tolerance_m[ahead]
    shown, hidden = np.zeros((2, len(inside)), dtype=bool)
    shown[index[np.abs(relation.heights[ahead]) < sample.tolerance_m[ahead]]] = True
    hidden[index[nearer]] = True
    return float((shown & inside).sum() / max((inside & (shown | ~hidden)).sum(), 1))


def _body_m(depths: np.ndarray) -> float:
    """Return how far depths (K,) under the border reach down without a gap."""
    steps = np.bincount((depths / _BODY_STEP_M).astype(np.int64), minlength=1)
    return float(np.argmax(np.append(steps, 0) < 2) * _BODY_STEP_M)
