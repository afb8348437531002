"""Evidence: what a camera measured in front of, at and behind where a surface should be."""

from types import SimpleNamespace

from helpers.objects import CAMERA, apart_deg, boxes, moved, pose, random_rotation_matrix, whole
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.verification.coverage import (
    full_coverage,
    probe_distances,
    view_coverage,
)
from pointpng_core.estimation.verification.depth_images import DepthImages
from pointpng_core.estimation.verification.evidence import Evidence, deviation_m
from pointpng_core.geometry.meshes import sample_surface
from pointpng_core.simulation.rendering import CastBody, render

CPU = torch.device('cpu')


def plate(x, y, z, step=0.002):
    """A grid of points (N, 3) over the ranges x and y, at depth z."""
    grid = np.meshgrid(np.arange(*x, step), np.arange(*y, step))
    return np.stack([grid[0].ravel(), grid[1].ravel(), np.full(grid[0].size, z)], 1).astype(
        np.float32)


SQUARE = plate((-0.05, 0.05), (-0.05, 0.05), 0.6)


def looked_up(points, scene_points=None, clouds=(SQUARE,)):
    """Depth, near and far of points (N, 3) in the camera frame."""
    images = DepthImages.from_clouds(clouds, CPU, scene_points)
    local = torch.from_numpy(np.asarray(points, np.float32)) - images.centroid[0]
    return [values[0].numpy() for values in images.look_up(torch.tensor([0]), local[None])]


def test_depth_images_know_the_depth_of_what_was_measured():
    depth, near, far = looked_up([[0, 0, 0.6], [0.02, -0.03, 0.7], [0.0, 0.0, 0.3]])
    assert depth == pytest.approx([0.6, 0.7, 0.3], abs=1e-3)
    assert near == pytest.approx([0.6] * 3, abs=1e-3)
    assert far == pytest.approx([0.6] * 3, abs=1e-3)


def test_what_lies_beside_the_observation_was_not_measured():
    _, near, far = looked_up([[0.065, 0, 0.6], [0.5, 0, 0.6], [0.0, 0.0, -0.6]])
    assert np.isposinf(near[:2]).all()
    assert np.isneginf(far[:2]).all()


def test_scene_points_are_measured_but_not_of_the_object():
    wall = plate((0.055, 0.2), (-0.1, 0.1), 0.9, step=0.003)
    _, near, far = looked_up([[0.065, 0, 0.6], [0, 0, 0.6]], scene_points=wall)
    assert near == pytest.approx([0.9, 0.6], abs=2e-3)
    assert np.isneginf(far[0])
    assert far[1] == pytest.approx(0.6, abs=1e-3)


def test_an_occluder_hides_the_object_behind_it():
    hand = plate((-0.02, 0.02), (-0.02, 0.02), 0.4)
    _, near, _ = looked_up([[0, 0, 0.6]], scene_points=np.concatenate((SQUARE, hand)))
    assert near[0] == pytest.approx(0.4, abs=2e-3)


def test_images_do_not_depend_on_the_viewing_direction():
    """Everything rotated about the camera: depth is taken along the line to the observation."""
    R = random_rotation_matrix(3)
    asked = np.array([[0, 0, 0.6], [0.02, -0.03, 0.62]], np.float32)
    straight = looked_up(asked)
    rotated = looked_up(asked @ R.T, clouds=((SQUARE @ R.T).astype(np.float32),))
    assert np.abs(straight[0] - rotated[0]).max() < 1e-4
    assert np.abs(straight[1] - rotated[1]).max() < 2e-3


def shares(probes_camera, scene_points=None):
    """Coverage of probes (H, K, 3), each row a pose, all of them facing the camera."""
    images = DepthImages.from_clouds((SQUARE,), CPU, scene_points)
    probes = torch.tensor(np.asarray(probes_camera), dtype=torch.float32)
    count = len(probes)
    poses = Hypotheses(observation=torch.zeros(count, dtype=torch.long),
                       reference=torch.arange(count),
                       R_reference_observation=torch.eye(3).expand(count, 3, 3),
                       t_reference_observation=images.centroid.expand(count, 3))
    stack = SimpleNamespace(probes=probes, directions=torch.tensor([[[0.0, 0, -1]]]).expand(
        count, 1, 3), visible=torch.ones(count, 1, probes.shape[1], dtype=torch.bool))
    return view_coverage(poses, images, stack, torch.full((count,), 0.01)).numpy()


def test_coverage_counts_for_and_against():
    on, hung = [[0.0, 0, 0.6], [0.03, 0.02, 0.6]], [[0.0, 0, 0.45], [0.03, 0.02, 0.45]]
    beside = [[0.065, 0, 0.6], [-0.065, 0, 0.6]]
    covered = shares([on + on, on + hung, hung + hung, on + beside])
    assert covered[0] == pytest.approx(1)
    assert covered[1] == pytest.approx(0.5, abs=0.01)  # seen through: measured behind it
    assert covered[2] == pytest.approx(0)
    assert 0.5 < covered[3] < 1  # nothing measured there: speaks against it only a little


def test_coverage_ignores_occluded_surface_and_not_free_space():
    on, beside = [[0.0, 0, 0.6], [0.03, 0.02, 0.6]], [[0.065, 0, 0.6], [0.068, 0.01, 0.6]]
    behind, front = (plate((0.052, 0.2), (-0.1, 0.1), z, 0.001) for z in (0.9, 0.4))
    unknown = shares([on + beside])[0]
    free = shares([on + beside], scene_points=behind)[0]
    # The same columns of pixels, nearer: x / z has to be the same.
    hidden = shares([on + beside], scene_points=front * np.float32([0.66, 1, 1]))[0]
    assert free == pytest.approx(0.5, abs=0.01)
    assert hidden == pytest.approx(1, abs=0.01)
    assert free < unknown < hidden


def test_full_coverage_is_one_where_every_probe_has_a_point_near():
    mug = torch.from_numpy(whole('mug', 2000))
    probes, clouds = mug[None, ::40], mug[None, 1::2]
    def covered(shift):
        here = Hypotheses(observation=torch.tensor([0]), reference=torch.tensor([0]),
                          R_reference_observation=torch.eye(3)[None],
                          t_reference_observation=torch.tensor([[shift, 0.0, 0.0]]))
        missed = probe_distances(here, clouds, SimpleNamespace(probes=probes))
        return float(full_coverage(missed, torch.tensor([0.008])))
    assert covered(0.0) > 0.9
    assert covered(0.0) > covered(0.03) > covered(0.2)
    assert covered(0.2) < 0.02


def evidence_of(coverage, inlier_share, deviation=0.0):
    """Evidence of as many hypotheses as there are numbers, with equal likelihood ratios."""
    coverage = torch.tensor(coverage)
    return Evidence(residual_m=torch.zeros_like(coverage), coverage=coverage,
                    inlier_share=torch.tensor(inlier_share),
                    deviation=torch.as_tensor(deviation) + torch.zeros_like(coverage),
                    likelihood_ratio=torch.ones_like(coverage),
                    suppressed=torch.zeros_like(coverage, dtype=torch.bool))


def test_scores_are_the_product_and_rows_can_be_taken_and_put():
    evidence = evidence_of([1.0, 0.5, 0.0], [0.5, 0.5, 1.0])
    assert evidence.score.tolist() == [0.5, 0.25, 0]
    index = torch.tensor([2, 0])
    assert evidence.take(index).score.tolist() == [0, 0.5]
    swapped = evidence.put(torch.tensor([0]), evidence.take(torch.tensor([1])))
    assert swapped.score.tolist() == [0.25, 0.25, 0]


def test_likelihood_ratios_are_over_the_best_supported_pose_of_each_observation():
    """A naive twin; suppressed poses stay so, and no pose scores more than it did without."""
    coverage, deviation = [0.9, 0.8, 0.9, 0.3, 0.7, 1.0], [2.0, 1.0, 3.0, 0.1, 0.2, 0.5]
    evidence = evidence_of(coverage, [1.0] * 6, deviation)
    evidence = evidence.with_suppressed(torch.tensor([False] * 5 + [True]))
    scores = evidence.with_likelihood_ratio((2, 3)).score.tolist()
    naive = [c * np.exp(-d) for c, d in zip(coverage, deviation)]
    assert scores[:3] == pytest.approx([n / naive[1] * coverage[1] for n in naive[:3]], abs=1e-6)
    assert scores[3:5] == pytest.approx([n / naive[4] * coverage[4] for n in naive[3:5]], abs=1e-6)
    assert scores[5] == -1
    assert evidence.support[5] == -np.inf
    assert max(scores[:3]) == pytest.approx(0.8, abs=1e-6)  # the best keeps its score


def test_deviation_is_mean_and_worst_and_knows_no_strays():
    rng = np.random.default_rng(0)
    distance = rng.uniform(0, 0.05, (4, 300)).astype(np.float32)
    found = deviation_m(torch.from_numpy(distance), torch.full((4,), 1.0)).numpy()
    for row, value in zip(distance, found):
        assert value == pytest.approx(row.mean() + 0.2 * np.sort(row)[-3:].mean(), abs=1e-6)
    strays = [deviation_m(torch.tensor([[0.0] * 99 + [away]]), torch.tensor([1.0]))
              for away in (0.05, 0.2, 20.0)]
    assert strays[0] < strays[1] == strays[2]


BODY = ([-0.05, -0.035, -0.025], [0.05, 0.035, 0.025])
ARM = ([0.05, -0.02, -0.015], [0.075, 0.02, 0.015])
T_CAMERA_BODY = pose(Rotation.from_euler('xyz', [25, 145, 20], degrees=True).as_matrix(),
                     (0.02, -0.01, 0.6))


def half_hidden(side):
    """A box seen from a corner; an occluder is before its end at `side` x, a wall behind it.

    Returns the box's points and those of the whole frame.
    """
    end = T_CAMERA_BODY[:3] @ [side * 0.07, 0, 0, 1]
    meshes = boxes(BODY), boxes(([-0.5, -0.5, 0], [0.5, 0.5, 0.01])), boxes(
        ([-0.018, -0.024, 0], [0.018, 0.024, 0.005]))
    poses = np.stack([T_CAMERA_BODY, pose(t=(0, 0, 0.9)), pose(t=0.65 * end)])
    image = render(CAMERA, [CastBody(mesh) for mesh in meshes], poses)
    points = CAMERA.pinhole.backproject(image.depth_m)
    return points[image.owner == 0], points[np.isfinite(image.depth_m)]


@pytest.fixture(scope='module')
def armed(estimator):
    """The box with an arm at +x; without it, 180 degrees about y or z change nothing."""
    return estimator.reference_from_model(boxes(BODY, ARM), name='armed')


@pytest.mark.parametrize('side', [-1.0, 1.0])
def test_free_space_rejects_a_flip(estimator, armed, side):
    """An arm that is not seen can only be where something hides it."""
    seen, frame = half_hidden(side)
    best = estimator.estimate_batch([seen], [armed], scene_points=frame)[0][0]
    towards = T_CAMERA_BODY[:3, 0] @ best.T_observation_reference[:3, 0]
    assert towards * side > 0.98
    assert np.linalg.norm((best.T_observation_reference - T_CAMERA_BODY)[:3, 3]) < 0.004


KNOB = ([0.05, 0.015, 0.008], [0.059, 0.023, 0.016])


@pytest.mark.parametrize('seed', [2, 3, 4, 6])
def test_a_small_detail_rejects_a_flip_of_a_full_surface(estimator, seed):
    """A rotation by 180 degrees moves 1 % of the points by up to 9 mm and leaves the others."""
    mesh = boxes(BODY, KNOB)
    reference = estimator.reference_from_model(mesh, name='knobbed')
    T = pose(random_rotation_matrix(seed), (0.3, -0.2, 0.1))
    points = moved(T, sample_surface(mesh, 512, seed=seed)[0])
    points += np.random.default_rng(seed).normal(size=points.shape).astype(np.float32) * 0.0007
    best = estimator.estimate_batch([points], [reference], viewpoint='none')[0][0]
    assert apart_deg(best.T_observation_reference, T) < 3.0
