"""PA and AE against a naive twin, against models that are perfect or collapsed, and by angle."""

import json

from helpers.evaluation import Identity, Sizes, catalogue_set, fake_model, object_set
import numpy as np
import pytest
import roma
import torch

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.errors import ConfigError
from pointpng_core.evaluation.embedding.equivariance import by_angle, evaluate_equivariance
from pointpng_core.geometry.so3 import random_rotations
from pointpng_core.training.embedding_metrics import (
    Cosines,
    RotatedPairs,
    pair_cosines,
    rotated_pairs,
    spread,
)
from pointpng_core.training.point_samples import (
    cloud_points,
    disjoint_samples,
    distinct_points,
    in_batches,
    random_rotation_matrices,
)

SUMMARY = {'pa', 'ae', 'cosine_plain', 'pairs'}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope='module')
def model():
    return load_model('training_free')


@pytest.fixture(scope='module')
def shapes():
    return catalogue_set()


def copies(points, R):
    """Pairs of the same points, before and after a rotation."""
    return RotatedPairs(source=list(points), R_target_source=R,
                       target=[cloud @ R_one.T for cloud, R_one in zip(points, R)])


def test_metrics_are_what_one_gets_pair_by_pair(model, shapes):
    pairs = rotated_pairs(shapes.points, 128, jitter=0.005, generator=seeded())
    predicted, baseline = [], []
    for source, target, R in zip(pairs.source, pairs.target, pairs.R_target_source):
        z, z_rotated = (model.encoder.encode(cloud[None])[0].double()
                        for cloud in (source, target))
        moved = model.cope.theta(R.double()) @ z
        predicted.append(float(moved @ z_rotated / moved.norm()))
        baseline.append(float(z @ z_rotated))
    summary = pair_cosines(model, pairs, batch=3).summary()
    assert summary['pa'] == pytest.approx(np.mean(predicted), abs=1e-5)
    assert summary['cosine_plain'] == pytest.approx(np.mean(baseline), abs=1e-5)
    assert summary['ae'] == pytest.approx(np.mean(predicted) - np.mean(baseline), abs=1e-5)


def test_a_perfect_model_reaches_one_at_every_angle(model, shapes):
    R = random_rotations((len(shapes.points),), generator=seeded())
    cosines = pair_cosines(model, copies(shapes.points, R))
    assert cosines.predicted.min() > 1 - 1e-4
    assert cosines.summary()['ae'] == pytest.approx(1 - cosines.plain.mean().item(), abs=1e-4)
    assert cosines.summary()['ae'] > 0.3


def test_a_prediction_in_the_wrong_direction_is_found_out(model, shapes):
    R = random_rotations((len(shapes.points),), generator=seeded())
    pairs = copies(shapes.points, R)
    backwards = RotatedPairs(source=pairs.source, target=pairs.target,
                            R_target_source=R.transpose(1, 2))
    assert pair_cosines(model, backwards).summary()['pa'] < 0.7


def test_an_invariant_embedding_has_no_equivariance(shapes):
    result = evaluate_equivariance(fake_model(Sizes(), Identity()), [shapes], points=128)
    assert result['pa'] > 0.99
    assert result['ae'] == pytest.approx(0, abs=1e-6)


def test_the_embedding_of_the_training_free_model_rotates(model, shapes):
    result = evaluate_equivariance(model, [shapes], points=200)
    assert result['pa'] > 0.7
    assert result['ae'] > 0.3
    assert evaluate_equivariance(model, [shapes], points=200, jitter=0.1)['pa'] < result['pa']


def test_keys_are_those_that_are_documented(model, shapes):
    result = evaluate_equivariance(model, [shapes], points=100, rotations=3)
    assert set(result) == SUMMARY | {'model', 'objects', 'points', 'jitter', 'rotations', 'seed',
                                     'angles', 'sources'}
    assert (result['objects'], result['pairs']) == (8, 24)
    assert [set(angle) for angle in result['angles']] == [SUMMARY | {'low_deg', 'high_deg'}] * 6
    assert set(result['sources']['shapes']) == SUMMARY | {'objects'}
    assert json.loads(json.dumps(result)) == result


def test_the_whole_is_the_mean_of_its_parts(model, shapes):
    more = object_set(shapes.points[:3] * torch.tensor([1.0, 0.5, 0.2]), name='flat')
    result = evaluate_equivariance(model, [shapes, more, more], points=100, rotations=2)
    assert list(result['sources']) == ['shapes', 'flat', 'flat #2']
    for parts in (result['sources'].values(), result['angles']):
        filled = [part for part in parts if part['pairs']]
        assert sum(part['pairs'] for part in filled) == result['pairs'] == 28
        for key in ('pa', 'ae'):
            mean = sum(part[key] * part['pairs'] for part in filled) / 28
            assert mean == pytest.approx(result[key], abs=1e-5)


def test_the_seed_decides(model, shapes):
    def pa(seed):
        return evaluate_equivariance(model, [shapes], points=100, seed=seed)['pa']
    assert pa(1) == pa(1)
    assert pa(1) != pa(2)


def test_angles_fall_into_bins_of_thirty_degrees():
    angles = torch.tensor([0.0, 29.9, 30.1, 179.9, 180.0])
    cosines = Cosines(predicted=torch.tensor([1.0, 0.8, 0.5, 0.2, 0.0]),
                      plain=torch.tensor([0.5, 0.5, 0.0, 0.1, 0.1]), angle_deg=angles)
    bins = by_angle(cosines)
    assert [(part['low_deg'], part['high_deg'], part['pairs']) for part in bins] == [
        (0, 30, 2), (30, 60, 1), (60, 90, 0), (90, 120, 0), (120, 150, 0), (150, 180, 2)]
    assert bins[0]['pa'] == pytest.approx(0.9)
    assert bins[0]['ae'] == pytest.approx(0.4)
    assert bins[2]['pa'] is None
    assert bins[5]['ae'] == pytest.approx(0.0, abs=1e-6)


def test_the_angle_is_that_between_the_two_samples(model, shapes):
    rotvec = torch.tensor([[0.0, 0, 0], [0, 0, 1.0], [3.0, 0, 0]])
    R = roma.rotvec_to_rotmat(rotvec)
    found = pair_cosines(model, copies(shapes.points[:3], R)).angle_deg
    torch.testing.assert_close(found, torch.rad2deg(rotvec.norm(dim=1)), atol=0.05, rtol=0)


# --- samples ---------------------------------------------------------------------------------


@pytest.mark.parametrize(('distinct', 'wanted', 'size'), [(100, 20, 20), (100, 50, 50),
                                                          (100, 80, 50), (7, 50, 3)])
def test_samples_share_no_point_even_where_the_pool_repeats(distinct, wanted, size):
    points = torch.randn(distinct, 3, generator=seeded())
    pool = points.repeat(3, 1)[torch.randperm(3 * distinct, generator=seeded())]
    first, second = disjoint_samples(pool, wanted, generator=seeded())
    assert len(first) == len(second) == size
    rows = {tuple(row) for row in torch.cat((first, second)).tolist()}
    assert len(rows) == 2 * size
    assert rows <= {tuple(row) for row in points.tolist()}


def test_distinct_points_keep_their_order():
    points = torch.tensor([[3.0, 0, 0], [1, 0, 0], [3, 0, 0], [2, 0, 0], [1, 0, 0]])
    assert distinct_points(points)[:, 0].tolist() == [3, 1, 2]


def test_both_samples_are_rotated_and_centred(shapes):
    pairs = rotated_pairs(shapes.points[:1].repeat(200, 1, 1), 50, jitter=0.0, generator=seeded())
    assert max(cloud.mean(dim=0).abs().max() for cloud in pairs.source + pairs.target) < 1e-6
    longest = torch.stack([cloud[cloud.norm(dim=1).argmax()] for cloud in pairs.source])
    # In the file's pose the farthest points would all lie on one side.
    assert torch.nn.functional.normalize(longest, dim=1).mean(dim=0).norm() < 0.3


def test_batches_of_clouds_of_all_sizes_come_back_in_order():
    clouds = [torch.full((size, 3), float(row)) for row, size in enumerate([5, 9, 5, 5, 9, 2])]
    sizes = []

    def mean(batch):
        sizes.append(len(batch))
        return batch.mean(dim=1)
    found = in_batches(mean, clouds, device='cpu', batch=2)
    assert found[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert sorted(sizes) == [1, 1, 2, 2]


def test_rotations_about_an_axis_keep_it():
    for index, axis in enumerate('xyz'):
        R = random_rotation_matrices(50, axis, generator=seeded())
        assert torch.allclose(R[:, :, index], torch.eye(3)[index].expand(50, 3), atol=1e-6)
        assert R[:, (index + 1) % 3, (index + 1) % 3].std() > 0.3
    unrotated = random_rotation_matrices(2, 'none', generator=seeded())
    assert torch.equal(unrotated, torch.eye(3).expand(2, 3, 3))
    rotated = random_rotation_matrices(50, 'so3', generator=seeded())
    assert rotated.diagonal(dim1=1, dim2=2).std() > 0.3
    with pytest.raises(ValueError, match='so3'):
        random_rotation_matrices(1, 'spin', generator=seeded())


def test_points_are_those_asked_for_or_those_the_encoder_wants(model):
    assert cloud_points(model.encoder) == 1024
    assert cloud_points(model.encoder, 77) == 77
    wants = fake_model(Sizes()).encoder
    wants.points = 32
    assert (cloud_points(wants), cloud_points(wants, 16)) == (32, 16)
    with pytest.raises(ConfigError, match='takes 32 points'):
        cloud_points(wants, 33)


def test_a_limit_spreads_over_the_objects():
    assert spread(torch.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert spread(torch.arange(3), 4).tolist() == [0, 1, 2]
    assert spread(torch.arange(3), None).tolist() == [0, 1, 2]
