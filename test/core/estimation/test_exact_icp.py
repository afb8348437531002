"""Exact registration of all hypotheses at once, against a search tree and small_gicp."""

from helpers.objects import pose, random_rotation_matrix, view, whole
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import prepare_observations
from pointpng_core.estimation.registration.exact_icp import (
    refine_batched,
    refine_surfaces,
    refine_surfaces_with_trees,
    refine_views,
    refine_views_with_trees,
)
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.robust_icp import SPREAD, cauchy_weight
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.so3 import rotation_distance_rad
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.surface.voxel_lookup import NEIGHBOURS, SurfaceField, build_field
from pointpng_core.simulation.shapes.catalogue import make_object

CPU = torch.device('cpu')
NAMES = ('drill', 'mug', 'bracket')
VIEWS = 4


@pytest.fixture(scope='module')
def setup(reference):
    """Views of objects, their references, and poses near the true ones."""
    poses = [pose(random_rotation_matrix(seed), (0.05, -0.02, 0.6))
             for seed in range(VIEWS * len(NAMES))]
    rows = [index % len(NAMES) for index in range(len(poses))]
    clouds = [view(make_object(NAMES[row]).mesh, T, noise=1.0, seed=index)
              for index, (row, T) in enumerate(zip(rows, poses))]
    observations = prepare_observations(clouds, sample=512, device=CPU)
    references = [reference(name) for name in NAMES]
    near = Hypotheses.from_poses([T @ nudge(seed) for seed, T in enumerate(poses)], observations,
                                 references, rows)
    truth = Hypotheses.from_poses(poses, observations, references, rows)
    return observations, references, ReferenceStack.of(references), near, truth


def nudge(seed):
    """A rotation by 2 degrees and a shift by 2 mm."""
    rng = np.random.default_rng(seed)
    axis, way = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 3)))
    return pose(Rotation.from_rotvec(np.radians(2.0) * axis).as_matrix(), 0.002 * way)


def apart(a, b):
    """Degrees and metres between hypotheses."""
    angle_rad = rotation_distance_rad(a.R_reference_observation, b.R_reference_observation)
    shift = a.t_reference_observation - b.t_reference_observation
    return torch.rad2deg(angle_rad), shift.norm(dim=-1)


def test_together_as_one_by_one(setup):
    observations, references, stack, near, truth = setup
    together = refine_batched(near, observations, stack)
    twin = refine_views_with_trees(near, observations, references)
    start, errors, twins = (apart(found, truth)[0] for found in (near, together, twin))
    assert errors.median() < 0.25 * start.median()
    assert errors.median() < 1.5 * twins.median()
    rotated, shifted = apart(together, twin)
    assert rotated.median() < 0.2
    assert rotated.max() < 1.0
    assert shifted.max() < 0.002
    assert torch.equal(together.reference, near.reference)


def test_a_cpu_takes_one_by_one_what_has_no_known_sides(setup):
    observations, references, stack, near, _ = setup
    no_sides = FrontFacing(camera=FrontFacing.of(observations, stack).camera,
                           outward=torch.zeros(len(references), dtype=torch.bool))
    arguments = near, observations, references
    for found, twin in ((refine_views(*arguments, stack, no_sides),
                         refine_views_with_trees(*arguments)),
                        (refine_surfaces(*arguments, stack),
                         refine_surfaces_with_trees(*arguments))):
        assert torch.equal(found.R_reference_observation, twin.R_reference_observation)
        assert torch.equal(found.t_reference_observation, twin.t_reference_observation)


@pytest.fixture(scope='module')
def sparse_surfaces(estimator):
    """Sparse noisy samples of full surfaces, references made of others, near and true poses."""
    rng = np.random.default_rng(0)

    def sample(name, seed):
        points = whole(name, 512, seed=seed)
        noise_m = 0.003 * np.linalg.norm(np.ptp(points, axis=0))
        return (points + rng.normal(0.0, noise_m, points.shape)).astype(np.float32)

    references = [estimator.reference_from_model(sample(name, 0), name=name, symmetry=Symmetry())
                  for name in NAMES]
    rows = [index % len(NAMES) for index in range(8 * len(NAMES))]
    poses = [pose(random_rotation_matrix(seed), (0.0, 0.0, 0.0)) for seed in range(len(rows))]
    clouds = [sample(NAMES[row], 1 + seed) @ T[:3, :3].T
              for seed, (row, T) in enumerate(zip(rows, poses))]
    # A smaller one is repeated to fill the sample.
    clouds[0] = clouds[0][:400]
    observations = prepare_observations(clouds, sample=512, device=CPU)
    near = Hypotheses.from_poses([T @ nudge(seed) for seed, T in enumerate(poses)], observations,
                                 references, rows)
    truth = Hypotheses.from_poses(poses, observations, references, rows)
    return observations, references, ReferenceStack.of(references), near, truth


def test_both_directions_are_better_than_one(sparse_surfaces):
    observations, references, stack, near, truth = sparse_surfaces
    one_way, both = (apart(refine_surfaces_with_trees(
        near, observations, references, bidirectional=bidirectional), truth)[0]
        for bidirectional in (False, True))
    assert both.mean() < 0.9 * one_way.mean()
    together = apart(refine_batched(near, observations, stack, bidirectional=True), truth)[0]
    assert together.mean() < 0.9 * one_way.mean()
    assert together.mean() < 1.3 * both.mean()


def test_the_median_residual_sets_the_weights():
    generator = torch.Generator().manual_seed(0)
    residual = torch.randn(2, 41, generator=generator)
    weight = (torch.rand(2, 41, generator=generator) < 0.7).float()
    found = cauchy_weight(residual, weight, torch.ones(2, 1))
    for row in range(2):
        scale = SPREAD * np.median(np.abs(residual[row][weight[row] > 0].numpy()))
        twin = 1.0 / (1.0 + (residual[row].numpy() / scale) ** 2)
        assert found[row].numpy() == pytest.approx(twin, abs=0.02)
    nothing = cauchy_weight(residual, torch.zeros_like(weight), torch.ones(2, 1))
    assert torch.isfinite(nothing).all()
    assert torch.equal(cauchy_weight(torch.zeros(1, 5), torch.ones(1, 5), torch.ones(1, 1)),
                       torch.ones(1, 5))


def test_more_steps_change_nothing(setup):
    observations, _, stack, near, _ = setup
    once = refine_batched(near, observations, stack)
    rotated, shifted = apart(refine_batched(once, observations, stack), once)
    assert rotated.median() < 0.02
    assert shifted.median() < 1e-4


def test_none_and_those_far_away_do_no_harm(setup):
    observations, _, stack, near, _ = setup
    assert len(refine_batched(near.take(torch.arange(0)), observations, stack)) == 0
    R, t = near.R_reference_observation, near.t_reference_observation
    far = refine_batched(near.moved(R, t + 40.0), observations, stack)
    assert torch.equal(far.t_reference_observation, t + 40.0)
    assert torch.isfinite(far.R_reference_observation).all()


def test_neighbours_are_searched_as_by_a_tree(setup):
    """Thin walls included, where the point that a field names may be on the wrong side."""
    observations, references, stack, near, _ = setup
    queries = near.transform(observations.points[near.observation])
    found, normals = stack.graph.look_up(near.reference, queries)
    assert normals.shape == found.shape
    wrong = []
    for row, points, nearest in zip(near.reference.tolist(), queries, found):
        surface = references[row].field.surface
        best, _ = cKDTree(surface[:, :3].numpy()).query(points.numpy())
        wrong.append(((points - nearest).norm(dim=-1).numpy() > best + 1e-6).mean())
        assert cKDTree(surface[:, :3].numpy()).query(nearest.numpy())[0].max() == 0
    assert np.mean(wrong) < 0.005
    rough, _ = stack.field.look_up(near.reference, queries)
    assert (queries - found).norm(dim=-1).mean() < (queries - rough).norm(dim=-1).mean()


def test_few_points_have_few_neighbours():
    generator = torch.Generator().manual_seed(0)
    clouds = [torch.randn(count, 3, generator=generator).numpy() for count in (5, 40)]
    fields = [build_field(cloud, cloud / np.linalg.norm(cloud, axis=1, keepdims=True),
                          diameter_m=4.0, spacing_m=0.5, device=CPU) for cloud in clouds]
    found = SurfaceField.stack(fields).neighbours
    assert found.shape == (45, NEIGHBOURS)
    assert torch.equal(found[:, 0], torch.arange(45, dtype=torch.int32))
    assert set(found[:5].flatten().tolist()) == set(range(5))
    twin = cKDTree(clouds[1]).query(clouds[1], k=NEIGHBOURS)[1] + 5
    assert np.array_equal(found[5:].numpy(), twin)
