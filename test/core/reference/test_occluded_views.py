"""Occluded views in the bank: how many, where, and that half-hidden objects are found by them."""

from dataclasses import replace

from helpers.objects import pose, random_rotation_matrix, view
from helpers.references import CONFIG, CountingBuilder
import numpy as np
import pytest
import torch

from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry import Symmetry
from pointpng_core.reference import ReferenceConfig
from pointpng_core.reference.view_bank import (
    MIN_VISIBLE,
    OCCLUDED_SHARE,
    Rendering,
    _cut,
    _occluded,
)
from pointpng_core.simulation.shapes.catalogue import make_object

STEP, WAYS = 4, 3


def bank(name='drill', **options):
    builder = CountingBuilder(replace(CONFIG, **options))
    reference = builder.from_model(make_object(name).mesh, name='x', symmetry=Symmetry())
    return reference, reference.views


def test_every_so_many_views_are_occluded_in_so_many_ways():
    _, views = bank(occlusion_step=STEP, occlusions=WAYS)
    whole = len(views.directions)
    count = whole + WAYS * len(range(0, whole, STEP))
    assert len(views.visible) == whole == CONFIG.views
    assert [len(each) for each in (views.embeddings, views.centroids, views.R_view_reference)] \
        == [count] * 3
    assert torch.equal(views.whole_embeddings, views.embeddings[:whole])


def test_without_occlusions_there_are_whole_views_alone_and_they_are_the_same():
    _, views = bank(occlusions=0)
    _, both = bank(occlusion_step=STEP, occlusions=WAYS)
    assert len(views.embeddings) == len(views.directions) == CONFIG.views
    for name in ('centroids', 'R_view_reference'):
        assert torch.equal(getattr(views, name), getattr(both, name)[:CONFIG.views])
    assert torch.allclose(views.embeddings, both.whole_embeddings, atol=1e-6)


def test_occluded_views_lie_in_the_box_beside_the_middle_of_their_view():
    reference, views = bank(occlusion_step=STEP, occlusions=WAYS)
    whole = len(views.directions)
    centre, size = reference.box
    centroids = views.centroids.numpy() + reference.centre
    assert (np.abs(centroids - centre) <= size / 2 + 1e-6).all()
    owners = views.centroids[:whole:STEP].repeat_interleave(WAYS, dim=0)
    shifts = (views.centroids[whole:] - owners).norm(dim=1)
    assert shifts.min() > 0.02 * reference.diameter_m
    assert shifts.max() < 0.5 * reference.diameter_m
    identity = views.R_view_reference @ views.R_view_reference.transpose(1, 2)
    assert torch.allclose(identity, torch.eye(3).expand_as(identity), atol=1e-5)


@pytest.mark.parametrize('count', [1, 2, 4, 5])
def test_a_cut_keeps_its_share_on_one_side_of_each_edge(count):
    points = view(make_object('drill').mesh, pose(random_rotation_matrix(2), (0, 0, 0.6)))
    camera = -points.mean(axis=0).astype(np.float64)
    cloud = points - points.mean(axis=0)
    parts = _cut(cloud, camera, count)
    assert len(parts) == count
    rows = {tuple(point) for point in cloud.tolist()}
    for part in parts:
        assert len(part) == pytest.approx(OCCLUDED_SHARE * len(cloud), abs=2)
        assert {tuple(point) for point in part.tolist()} <= rows
    if count == 4:          # opposite edges: together all points, those on the edge twice at most
        assert len(parts[0]) + len(parts[2]) <= len(cloud) + 2
        assert len(np.unique(np.concatenate((parts[0], parts[2])), axis=0)) >= len(cloud) - 2


def test_parts_of_too_few_points_are_left_out():
    rng = np.random.default_rng(0)
    clouds = [rng.normal(size=(size, 3)).astype(np.float32)
              for size in (MIN_VISIBLE, 2 * MIN_VISIBLE - 4, 4 * MIN_VISIBLE)]
    cameras = rng.normal(size=(3, 3))
    parts, owners = _occluded(clouds, cameras, Rendering(
        directions=cameras, distance_m=1.0, occlusion_step=1, occlusions=3, sample=64))
    assert owners == [2, 2, 2]
    assert [len(part) for part in parts] == [2 * MIN_VISIBLE] * 3


# --- what they are for -----------------------------------------------------------------------

NAMES = ('drill', 'bottle', 'hammer', 'bracket')
VISIBLE = 0.4


def half_hidden(name, seed):
    """The pose, the visible points of an object behind a straight edge, and all of the scene."""
    T = pose(random_rotation_matrix(100 + seed), (0.03, -0.02, 0.6))
    points = view(make_object(name).mesh, T, noise=1.0, seed=seed)
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    along = points[:, :2] / points[:, 2:] @ [np.cos(angle), np.sin(angle)]
    visible = along <= np.quantile(along, VISIBLE)
    hidden = points[~visible]
    occluder = hidden * (1 - 0.06 / hidden[:, 2:])
    return T, points[visible], np.concatenate((points[visible], occluder)).astype(np.float32)


def right_poses(occlusions, seeds):
    estimator = PoseEstimator(config=EstimatorConfig(
        reference=ReferenceConfig(occlusions=occlusions)))
    kinds = [make_object(name) for name in NAMES]
    references = [estimator.reference_from_model(kind.mesh, name=name, symmetry=kind.symmetry)
                  for name, kind in zip(NAMES, kinds)]
    right = 0
    for name, kind in zip(NAMES, kinds):
        for seed in seeds:
            T, points, scene = half_hidden(name, seed)
            found = estimator.estimate(points, references, scene_points=scene,
                                       viewpoint=Viewpoint.SENSOR)[0]
            T_found = found.T_observation_reference
            right += (found.name == name
                      and kind.symmetry.rotation_error_rad(T_found[:3, :3], T[:3, :3]) < 0.14
                      and kind.symmetry.translation_error_m(T_found, T) < 0.01)
    return right


def test_half_hidden_objects_are_posed_right_more_often():
    without, with_occluded = (right_poses(occlusions, range(4)) for occlusions in (0, 4))
    assert with_occluded >= 9           # of 16
    assert with_occluded >= without + 4
