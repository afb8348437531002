"""Which visible planes support objects: chosen by what stands on them, and why."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.patch_evidence import (
    PatchEvidence,
    Relation,
    relate,
    sharpness,
    weigh,
)
from pointpng_core.segmentation.plane_detection import find_planes
from pointpng_core.segmentation.plane_patch import PlanePatch, outlined
from pointpng_core.segmentation.sampling import Sample, draw_sample
from pointpng_core.segmentation.support_choice import Candidate, Role, SupportChoice, SupportKind

_FIRST_SAMPLE = 2100
_SECOND_SAMPLE = 900
_MOST_SECOND = 3
_MIN_SECOND = 100

# Tuned on the frames and scenes of docs/segmentation.md.
_MIN_CLARITY = 0.73
"""Small supports there: .76 and more; planes through several objects: up to .70."""
_MIN_CLARITY_LONG = 0.6
"""Supports longer than an object, narrow ledges among them: .72 and more; others: up to .41."""
_MAX_BOARD_M = 0.06
"""Smaller planes with a thicker body below them are faces of objects."""
_MIN_GAP_M = 0.25
"""A small plane closer above a support is the top of what stands there."""
_EMPTY_AREA_M2 = 0.1
"""Planes of this area are no objects, though nothing stands on them."""
_MAX_UPRIGHT = -0.3  # cosine to the down axis of the image: more than that is no level board
_MIN_STANDING = 0.1
"""Least share of the free points that stands on a small support."""
_MIN_PARALLEL = 0.966  # 15 degrees
_MIN_RATING = 0.2
"""Least rating of a further support, of that of the main one."""
_OWN_WEIGHT = 0.01  # decides between planes on which little stands
_NEAREST_M = 0.1
_FEW = 0.01
"""Share of points before an empty support that may be noise."""


def find_supports(points: np.ndarray, *, config: SegmenterConfig, depth_noise: DepthNoise
                  ) -> SupportChoice:
    """Return the surfaces that support the objects in points (N, 3) of the camera frame.

    Points that are not finite or out of range are ignored. A support is a plane whose outline
    shows it wherever nothing hides it, on which something stands; the face of a body that could
    itself be an object is none. The main support is rated `share of points that stand on it + 0.01
    x share of points on it`, divided by its squared distance, times a preference for planes whose
    normal points to the top of the image: a camera is rarely upside down. Planes parallel to it,
    at most `max_height_m` above or below, with a fifth of its rating are supports too. Of the
    other planes, those too large for an object are background. Without a support, the best
    background is an empty one, unless something lies before it.
    """
    sample = draw_sample(points, config=config, depth_noise=depth_noise)
    candidates = _without_box_tops(_candidates(sample, config))
    kind, chosen = _kind(_choose(candidates, config), sample)
    order = [Role.SUPPORT, Role.BACKGROUND, Role.FACE]
    chosen.sort(key=lambda each: (order.index(each.role), -_rating(each)))
    return SupportChoice(kind=kind, reason=_reason(kind, chosen), candidates=tuple(chosen))


def _patches(sample: Sample, config: SegmenterConfig) -> list[tuple[PlanePatch, Relation]]:
    """Return the planes of the sample, then those of what lies on none of them.

    A small table far away has few points of the whole cloud, but many of the rest.
    """
    first = _patches_in(sample.part(slice(_FIRST_SAMPLE)), config)
    related = _sharp(first, sample)
    rows = np.flatnonzero(_off(sample, [relation for _, relation in related]))[:_SECOND_SAMPLE]
    if len(rows) >= _MIN_SECOND:
        second = _patches_in(sample.part(rows), config, most=_MOST_SECOND)
        related += _sharp(second, sample)
    return related


def _sharp(patches: Sequence[PlanePatch], sample: Sample) -> list[tuple[PlanePatch, Relation]]:
    """Return the patches without those that merely cut through other surfaces."""
    related = [(patch, relate(patch, sample)) for patch in patches]
    return [(patch, relation) for patch, relation in related
            if sharpness(patch, sample, relation) >= _MIN_CLARITY_LONG]


def _off(sample: Sample, relations: Sequence[Relation]) -> np.ndarray:
    """Return whether points (M,) are clear of all these patches."""
    rest = np.ones(len(sample.points), dtype=bool)
    for relation in relations:
        near = np.abs(relation.heights) < 2 * sample.tolerance_m
        rest &= ~(near & np.isfinite(relation.outside))
    return rest


def _patches_in(sample: Sample, config: SegmenterConfig, most: int = 4) -> list[PlanePatch]:
    planes = find_planes(sample.points, sample.tolerance_m, config=config, most=most)
    patches = [outlined(plane, sample.points, sample.tolerance_m, config=config)
               for plane in planes]
    return [patch for patch in patches if patch is not None]


def _candidates(sample: Sample, config: SegmenterConfig) -> list[Candidate]:
    related = _patches(sample, config)
    on_long = [relation.own & _is_long(patch, config) for patch, relation in related]
    candidates = []
    for index, (patch, relation) in enumerate(related):
        others = on_long[:index] + on_long[index + 1:]
        elsewhere = np.logical_or.reduce(others) if others else np.zeros_like(relation.own)
        evidence = weigh(patch, sample, relation, elsewhere, config=config)
        role, reason = _judge(patch, evidence, config)
        candidates.append(Candidate(patch=patch, evidence=evidence, role=role, reason=reason))
    return candidates


def _is_long(patch: PlanePatch, config: SegmenterConfig) -> bool:
    return patch.size_m[0] >= config.max_segment_size_m


def _judge(patch: PlanePatch, evidence: PatchEvidence, config: SegmenterConfig
           ) -> tuple[Role, str]:
    """Return what a plane may be, seen alone, and why."""
    is_long, is_body = _is_long(patch, config), evidence.body_m >= _MAX_BOARD_M
    if evidence.clarity < (_MIN_CLARITY_LONG if is_long else _MIN_CLARITY):
        return Role.FACE, f'it cuts through other surfaces (clarity {evidence.clarity:.2f})'
    if is_body and (not is_long or patch.plane.normal[1] > _MAX_UPRIGHT):
        return Role.FACE, 'it is the face of a body'
    stands = evidence.standing_share > (0.0 if is_long else _MIN_STANDING * evidence.free_share)
    if stands and patch.area_m2 >= config.min_table_area_m2:
        return Role.SUPPORT, f'{_groups(evidence.groups)} it'
    if not is_body and (is_long or patch.area_m2 >= _EMPTY_AREA_M2):
        return Role.BACKGROUND, 'nothing stands on it'
    return Role.FACE, 'little or nothing stands on it'


def _groups(count: int) -> str:
    return 'one group of points stands on' if count == 1 else f'{count} groups of points stand on'


def _without_box_tops(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [replace(each, role=Role.FACE, reason='it is the top of something on a larger plane')
            if any(_is_top(each, other) for other in candidates) else each
            for each in candidates]


def _is_top(top: Candidate, lower: Candidate) -> bool:
    """Return whether a plane lies closely above a larger one, and within its outline."""
    if lower.role is Role.FACE or lower.patch.area_m2 <= top.patch.area_m2:
        return False
    if top.patch.plane.normal @ lower.patch.plane.normal < _MIN_PARALLEL:
        return False
    middle = top.patch.middle[None]
    height = lower.patch.plane.heights(middle)[0]
    return 0 < height < _MIN_GAP_M and lower.patch.outside(middle)[0] < 0


def _choose(candidates: list[Candidate], config: SegmenterConfig) -> list[Candidate]:
    """Return the candidates, supports demoted that do not go with the main one."""
    supports = [each for each in candidates if each.role is Role.SUPPORT]
    if not supports:
        return candidates
    main = max(supports, key=_rating)
    return [each if each.role is not Role.SUPPORT or each is main else
            _beside(each, main, config) for each in candidates]


def _beside(candidate: Candidate, main: Candidate, config: SegmenterConfig) -> Candidate:
    """Return a support beside the main one, as another role where it does not go with it."""
    plane, patch = main.patch.plane, candidate.patch
    if plane.normal @ patch.plane.normal < _MIN_PARALLEL:
        reason = 'it is inclined to the support'
    elif abs(plane.heights(patch.middle[None])[0]) > config.max_height_m:
        reason = 'it is far above or below the support'
    elif _rating(candidate) < _MIN_RATING * _rating(main):
        reason = 'little stands on it'
    else:
        return candidate
    is_wall = _is_long(patch, config) and candidate.evidence.body_m < _MAX_BOARD_M
    return replace(candidate, role=Role.BACKGROUND if is_wall else Role.FACE, reason=reason)


def _rating(candidate: Candidate) -> float:
    plane, evidence = candidate.patch.plane, candidate.evidence
    share = evidence.standing_share + _OWN_WEIGHT * evidence.own_share
    upward = (1.0 - plane.normal[1]) / 2.0
    return float(share * upward / max(evidence.distance_m, _NEAREST_M) ** 2)


def _kind(candidates: list[Candidate], sample: Sample) -> tuple[SupportKind, list[Candidate]]:
    """Return the outcome; the best background is an empty support when little lies before it."""
    supports = sum(each.role is Role.SUPPORT for each in candidates)
    if supports:
        return SupportKind.ONE if supports == 1 else SupportKind.SEVERAL, candidates
    backgrounds = [each for each in candidates if each.role is Role.BACKGROUND]
    if not backgrounds:
        return SupportKind.NONE, candidates
    best = max(backgrounds, key=_rating)
    if best.patch.area_m2 < _EMPTY_AREA_M2:
        return SupportKind.NONE, candidates
    rest = _off(sample, [relate(each.patch, sample) for each in backgrounds])
    before = sample.distance_m[rest] < best.evidence.distance_m
    if before.sum() > _FEW * len(rest):
        return SupportKind.NONE, candidates
    return SupportKind.EMPTY, [replace(each, role=Role.SUPPORT) if each is best else each
                               for each in candidates]


def _reason(kind: SupportKind, candidates: Sequence[Candidate]) -> str:
    described = [f'{_described(each)}: {each.reason}' for each in candidates]
    count = sum(each.role is Role.SUPPORT for each in candidates)
    if kind is SupportKind.NONE:
        return 'no plane supports objects; ' + (
            '; '.join(described) or 'none is large and flat enough')
    return '; '.join(described[:count])


def _described(candidate: Candidate) -> str:
    length, width = candidate.patch.size_m
    return f'plane {candidate.evidence.distance_m:.2f} m away, {length:.2f} x {width:.2f} m'
