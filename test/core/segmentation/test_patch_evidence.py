"""The evidence for a plane, on points whose answer is known."""

import numpy as np
import pytest

from pointpng_core.segmentation import Plane, SegmenterConfig
from pointpng_core.segmentation.patch_evidence import relate, sharpness, weigh
from pointpng_core.segmentation.plane_patch import outlined
from pointpng_core.segmentation.sampling import Sample

CONFIG = SegmenterConfig()
PLANE = Plane(normal=np.array([0.0, 0.0, -1.0]), offset_m=1.0)


def sample_of(points):
    return Sample(points=points, distance_m=np.linalg.norm(points, axis=1),
                  tolerance_m=np.full(len(points), 0.005))


def flat(count, seed=0, half_m=0.3):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-half_m, half_m, (count, 2)),
                            1.0 + rng.normal(0, 0.001, count)])


def evidence_of(points):
    sample = sample_of(points)
    patch = outlined(PLANE, points, sample.tolerance_m, config=CONFIG)
    relation = relate(patch, sample)
    return weigh(patch, sample, relation, np.zeros(len(points), dtype=bool), config=CONFIG)


def test_a_table_is_filled_sharp_and_free_of_groups():
    evidence = evidence_of(flat(5000))
    assert evidence.clarity == pytest.approx(1.0, abs=0.02)
    assert (evidence.groups, evidence.standing_share, evidence.body_m) == (0, 0.0, 0.0)
    assert evidence.own_share > 0.99


def test_the_fill_is_the_share_of_the_outline_that_shows_the_plane():
    points = flat(6000)
    points = points[np.abs(points[:, 0]) > 0.1]  # a gap of a third, with nothing in it
    assert evidence_of(points).fill == pytest.approx(2 / 3, abs=0.08)


def test_what_is_hidden_does_not_lower_the_fill():
    points = flat(6000)
    hidden = np.abs(points[:, 0]) < 0.1
    points[hidden] *= 0.9  # along the rays: seen before the plane
    evidence = evidence_of(points)
    assert evidence.fill > 0.97
    assert evidence.groups == 0  # it floats


def test_a_surface_that_cuts_the_plane_is_not_sharp():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-0.3, 0.3, (5000, 2)),
                              1.0 + rng.uniform(-0.015, 0.015, 5000)])
    patch = outlined(PLANE, flat(2000), np.full(2000, 0.005), config=CONFIG)
    sample = sample_of(points)
    assert sharpness(patch, sample, relate(patch, sample)) == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize(('foot_m', 'groups'), [(0.0, 2), (0.1, 0)])
def test_groups_stand_only_when_they_touch_the_plane(foot_m, groups):
    rng = np.random.default_rng(1)
    columns = [np.column_stack([x + rng.uniform(-0.03, 0.03, 200), rng.uniform(-0.03, 0.03, 200),
                                1.0 - foot_m - rng.uniform(0.006, 0.1, 200)])
               for x in (-0.15, 0.15)]
    evidence = evidence_of(np.concatenate([flat(4000), *columns]))
    assert evidence.groups == groups
    assert evidence.standing_share == pytest.approx(groups * 200 / 4400, abs=0.005)


@pytest.mark.parametrize('thickness_m', [0.02, 0.12])
def test_the_body_below_is_as_thick_as_the_board(thickness_m):
    rng = np.random.default_rng(2)
    edge = np.column_stack([rng.uniform(-0.3, 0.3, 200), np.full(200, 0.3),
                            1.0 + rng.uniform(0, thickness_m, 200)])
    floor = flat(2000, half_m=0.6) + np.array([0, 0, 0.7])
    evidence = evidence_of(np.concatenate([flat(4000), edge, floor]))
    assert evidence.body_m == pytest.approx(thickness_m, abs=0.021)
