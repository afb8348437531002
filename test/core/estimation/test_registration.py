"""Registration: look-ups against brute force, and alignment of known perturbations."""

from helpers.objects import apart_deg, joined, pose, random_rotation_matrix, whole
from helpers.registration import error, hypothesis, observed_drill, perturbed
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observation_kind import seen_from_outside
from pointpng_core.estimation.observations import prepare_observations
from pointpng_core.estimation.registration.exact_icp import refine_surfaces
from pointpng_core.estimation.registration.icp import DAMPING, align, disc_distance, gauss_newton
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.surface.kd_tree import SurfaceTree
from pointpng_core.reference.surface.voxel_lookup import SurfaceField, build_field

CPU = torch.device('cpu')


def grid_plate(step=0.01, half=0.1):
    ticks = np.arange(-half, half + step / 2, step)
    x, y = np.meshgrid(ticks, ticks)
    points = np.stack((x.ravel(), y.ravel(), np.zeros(x.size)), axis=1).astype(np.float32)
    return points, np.tile(np.array([[0, 0, 1]], np.float32), (len(points), 1))


def field_of(points, normals, spacing=0.01):
    return build_field(points, normals, diameter_m=0.28, spacing_m=spacing, device=CPU)


# --- observations --------------------------------------------------------------------------


def test_observations_are_about_their_centroids_with_z_to_the_camera():
    clouds = [whole('mug', 300) + np.array([1.0, -2, 8]), whole('can', 50) - np.float32(3)]
    clouds[0] = np.insert(clouds[0], 7, np.nan, axis=0)
    prepared = prepare_observations(clouds, sample=128, device=CPU)
    assert len(prepared) == 2
    for cloud, raw, centroid, points, R in zip(prepared.clouds, clouds, prepared.centroids,
                                               prepared.points.numpy(), prepared.R_view.numpy()):
        finite = raw[np.isfinite(raw).all(axis=1)]
        assert np.abs(finite.mean(axis=0) - centroid).max() < 1e-6
        assert cKDTree(cloud).query(points + centroid)[0].max() < 2e-6
        to_camera = -centroid / np.linalg.norm(centroid)
        assert np.abs(R @ to_camera - [0, 0, 1]).max() < 1e-5
    again = prepared.take([1])
    assert len(again) == 1
    assert torch.equal(again.points[0], prepared.points[1])


def test_a_camera_inside_the_cloud_is_no_view():
    mug = whole('mug', 500)
    assert not seen_from_outside(mug - mug.mean(axis=0))
    assert seen_from_outside(mug + np.float32([0, 0, 0.6]))


# --- hypotheses ----------------------------------------------------------------------------


def test_hypotheses_transform_and_take():
    parts = [hypothesis(random_rotation_matrix(k), (0.1 * k, 0, 1), observation=k)
             for k in range(3)]
    batch = Hypotheses.concatenated(parts)
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 7, 3))).float()
    naive = torch.stack([x @ R.T + t for x, R, t in zip(
        points, batch.R_reference_observation, batch.t_reference_observation)])
    assert torch.allclose(batch.transform(points), naive, atol=1e-6)
    assert torch.allclose(batch.inverse_transform(naive), points, atol=1e-6)
    assert batch.take(torch.tensor([2, 0])).observation.tolist() == [2, 0]
    assert batch.take(torch.tensor([True, False, True])).observation.tolist() == [0, 2]
    assert len(batch) == 3


def test_hypotheses_know_how_many_there_are_of_each_observation():
    batch = Hypotheses.concatenated([hypothesis(observation=k // 4) for k in range(8)])
    with pytest.raises(ValueError, match='no shape'):
        batch.by_observation(batch.observation)
    best = batch.take(torch.tensor([[0, 1, 3], [7, 4, 5]]))
    assert best.shape == (2, 3)
    assert best.by_observation(best.R_reference_observation).shape == (2, 3, 3, 3)
    assert best.by_observation(best.observation).tolist() == [[0, 0, 0], [1, 1, 1]]
    assert best.moved(best.R_reference_observation, best.t_reference_observation).shape == (2, 3)
    assert best.take(torch.tensor([0, 4])).shape is None


def test_hypotheses_from_poses_are_those_poses_again(reference):
    clouds = [whole(name, 200, 3) + np.float32((0.2, -0.1, 1.0)) for name in ('mug', 'drill')]
    prepared = prepare_observations(clouds, sample=128, device=CPU)
    references = [reference('drill'), reference('mug')]
    poses = [pose(random_rotation_matrix(seed), (0.3, 0.1 * seed, 0.9)) for seed in range(2)]
    made = Hypotheses.from_poses(poses, prepared, references, [1, 0])
    assert made.reference.tolist() == [1, 0]
    assert made.shape == (2, 1)
    assert made.to_poses(prepared, references) == pytest.approx(np.stack(poses), abs=1e-6)


# --- look-up of nearest points -------------------------------------------------------------


def test_look_up_is_brute_force_up_to_a_cell(reference):
    mug = reference('mug')
    local = mug.points - mug.centre
    queries = (local[::20] + np.random.default_rng(0).normal(size=local[::20].shape) * 0.005)
    asked = torch.from_numpy(queries)[None].float()
    nearest, normals = mug.field.look_up(torch.tensor([0]), asked)
    found = np.linalg.norm(nearest[0].numpy() - queries, axis=1)
    best, _ = cKDTree(local).query(queries)
    assert (found <= best + np.sqrt(3) * float(mug.field.cell) + 1e-6).all()
    assert (found - best).mean() < 0.3 * float(mug.field.cell)
    # Each answer is a point of the surface, with its own normal.
    distance, index = cKDTree(local).query(nearest[0].numpy())
    assert distance.max() < 1e-6
    assert np.abs((normals[0].numpy() * mug.normals[index]).sum(axis=1)).min() > 0.99


def test_stacked_surfaces_answer_as_each_alone(reference):
    names = ('mug', 'drill', 'can')
    fields = [reference(name).field for name in names]
    stacked = SurfaceField.stack(fields)
    queries = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 50, 3)) * 0.06).float()
    owner = torch.tensor([2, 0, 1])
    nearest, normals = stacked.look_up(owner, queries)
    for row, which in enumerate(owner.tolist()):
        alone = fields[which].look_up(torch.tensor([0]), queries[row:row + 1])
        assert torch.equal(nearest[row], alone[0][0])
        assert torch.equal(normals[row], alone[1][0])


def test_between_samples_of_a_plate_there_is_surface_and_beyond_its_rim_there_is_none():
    points, normals = grid_plate()
    queries = torch.tensor([[[0.003, 0.004, 0.0], [0.0049, -0.0049, 0.02], [-0.05, 0.05, -0.01],
                             [0.13, 0.0, 0.0]]])
    distance = disc_distance(field_of(points, normals), torch.tensor([0]), queries)[0]
    assert distance.tolist() == pytest.approx([0, 0.02, 0.01, 0.02], abs=1e-6)


# --- alignment -----------------------------------------------------------------------------


def steps(drill, count=8):
    tolerances = np.linspace(0.1, 0.02, count) * drill.diameter_m
    return [torch.tensor([tolerance]).float() for tolerance in tolerances]


@pytest.mark.parametrize('seed', range(4))
def test_batched_icp_converges_from_a_nearby_pose(reference, seed):
    drill, prepared, R, t = observed_drill(reference)
    start = hypothesis(*perturbed(R, t, 8.0, 0.01, seed))
    found = align(drill.field, start, prepared.points[:, :512], steps(drill, 12))
    rotated, shifted = error(found, R, t)
    R_found = found.R_reference_observation
    assert rotated[0] < 0.8
    assert shifted[0] < 0.002
    assert torch.allclose(R_found @ R_found.transpose(1, 2), torch.eye(3), atol=1e-4)


def test_batched_icp_is_each_hypothesis_alone(reference):
    drill, prepared, R, t = observed_drill(reference)
    starts = [hypothesis(*perturbed(R, t, 15.0, 0.02, seed)) for seed in range(5)]
    points = prepared.points[:, :256]
    together = align(drill.field, joined(starts), points.expand(5, -1, -1),
                     [tolerance.expand(5) for tolerance in steps(drill)])
    for index, start in enumerate(starts):
        alone = align(drill.field, start, points, steps(drill))
        assert torch.allclose(together.R_reference_observation[index],
                              alone.R_reference_observation[0], atol=1e-4)
        assert torch.allclose(together.t_reference_observation[index],
                              alone.t_reference_observation[0], atol=1e-5)


def test_outliers_hardly_move_the_pose(reference):
    drill, prepared, R, t = observed_drill(reference)
    points = prepared.points[:, :512].clone()
    points[:, ::4] += torch.tensor([0.0, 0.08, 0.05])
    found = align(drill.field, hypothesis(R, t), points, steps(drill))
    rotated, shifted = error(found, R, t)
    assert rotated[0] < 1.5
    assert shifted[0] < 0.003


def test_step_is_that_of_explicit_normal_equations():
    rng = np.random.default_rng(0)
    moved, normals = rng.normal(size=(2, 2, 50, 3))
    residual, weight = rng.normal(size=(2, 50)) * 0.1, rng.uniform(size=(2, 50))
    start = joined([hypothesis(random_rotation_matrix(k), (0.1 * k, 0, 1)) for k in range(2)])
    found = gauss_newton(start, *(torch.from_numpy(part).float()
                                  for part in (moved, residual, normals, weight)))
    for row in range(2):
        J = np.hstack((np.cross(moved[row], normals[row]), normals[row]))
        hessian, gradient = (J.T * weight[row]) @ J, (J.T * weight[row]) @ residual[row]
        means = hessian.diagonal().reshape(2, 3).mean(axis=1).repeat(3)
        twist = -np.linalg.solve(hessian + np.diag(DAMPING * means + 1e-9), gradient)
        angle = 2 * np.arctan(np.linalg.norm(twist[:3]) / 2)
        rotation = Rotation.from_rotvec(
            angle * twist[:3] / np.linalg.norm(twist[:3])).as_matrix()
        assert found.R_reference_observation[row].numpy() == pytest.approx(
            rotation @ start.R_reference_observation[row].numpy(), abs=1e-5)
        assert found.t_reference_observation[row].numpy() == pytest.approx(
            rotation @ start.t_reference_observation[row].numpy() + twist[3:], abs=1e-5)


@pytest.mark.parametrize('scale', [1.0, 10.0, 0.01])
def test_exact_icp_is_exact_at_every_scale(scale):
    surface = whole('drill', 6000, seed=0) * scale
    R, t = random_rotation_matrix(3), np.array([0.03, 0.02, -0.01]) * scale
    source = ((whole('drill', 800, seed=9) * scale - t) @ R).astype(np.float64)
    start = pose(*perturbed(R, t, 1.5, 0.002 * scale, 0))
    T = SurfaceTree(surface).align(source, start, diameter_m=0.275 * scale)
    assert apart_deg(T, pose(R)) < 0.1
    assert np.linalg.norm(T[:3, 3] - t) < 5e-4 * scale


def test_exact_icp_without_correspondences_stays_finite():
    surface = whole('drill', 2000)
    start = pose(random_rotation_matrix(0), (40.0, 0, 0))
    T = SurfaceTree(surface).align(whole('mug', 300), start, diameter_m=0.275)
    assert np.isfinite(T).all()


def test_exact_icp_moves_each_hypothesis_on_its_own_reference(reference):
    drill, prepared, R, t = observed_drill(reference)
    near = hypothesis(*perturbed(R, t, 1.0, 0.002, 0), reference=1)
    both = [reference('mug'), drill]
    found = refine_surfaces(near, prepared, both, ReferenceStack.of(both))
    rotated, shifted = error(found, R, t)
    assert rotated[0] < 0.1
    assert shifted[0] < 5e-4
    assert found.reference.tolist() == [1]
