"""The steerable embedding: its naive twin, and how it moves when the cloud does."""

from helpers.objects import random_rotation_matrix, whole
import numpy as np
import pytest
import torch

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.encoders import HarmonicConfig, HarmonicEncoder
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import real_harmonics

ENCODER = HarmonicEncoder()
COPE = WignerCope(ENCODER.multiplicities)


def clouds(count=3, points=200):
    samples = np.random.default_rng(0).normal(size=(count, points, 3)) * [0.3, 0.15, 0.1]
    return torch.from_numpy(samples - samples.mean(axis=1, keepdims=True))


def naive(cloud, config):
    """Point by point, shell by shell, degree by degree."""
    centres = np.linspace(config.inner_radius, config.outer_radius, config.shells)
    blocks = []
    for degree in range(config.degree_max + 1):
        block = np.zeros((config.shells, 2 * degree + 1))
        for x in cloud.numpy():
            r = np.linalg.norm(x)
            Y = real_harmonics(torch.from_numpy(x / r), config.degree_max).numpy()
            Y = Y[degree ** 2:(degree + 1) ** 2]
            for shell, centre in enumerate(centres):
                block[shell] += np.exp(-0.5 * ((r - centre) / config.width) ** 2) * Y
        blocks.append(block.ravel())
    z = np.concatenate(blocks)
    return z / np.linalg.norm(z)


def test_embedding_is_its_naive_twin():
    config = HarmonicConfig(degree_max=3, shells=4, width=0.1)
    cloud = clouds(1, 30)
    assert np.abs(HarmonicEncoder(config).encode(cloud)[0].numpy()
                  - naive(cloud[0], config)).max() < 1e-12


def test_features_are_the_norms_of_every_degree_and_shell():
    config = HarmonicConfig(degree_max=3, shells=4, width=0.1)
    cloud = clouds(1, 30)
    z = naive(cloud[0], config)
    norms = [np.linalg.norm(z[4 * degree ** 2:][shell * (2 * degree + 1):][:2 * degree + 1])
             for degree in range(4) for shell in range(4)]
    assert np.abs(HarmonicEncoder(config).features(cloud)[0].numpy() - norms).max() < 1e-12


@pytest.mark.parametrize('kind', [torch.float32, torch.float64])
def test_embedding_rotates_with_the_cloud(kind):
    batch = clouds().to(kind)
    R = torch.from_numpy(np.stack([random_rotation_matrix(seed) for seed in range(3)])).to(kind)
    rotated = ENCODER.encode(batch @ R.transpose(1, 2))
    assert rotated.dtype == kind
    assert torch.allclose(rotated, COPE.apply(R, ENCODER.encode(batch)), atol=2e-6)


def test_embeddings_have_unit_length_and_the_declared_size():
    z = ENCODER.encode(clouds())
    assert z.shape == (3, ENCODER.dim)
    assert ENCODER.dim == COPE.dim
    assert torch.allclose(z.norm(dim=1), torch.ones(3).double())


def test_order_and_repetition_of_points_do_not_matter():
    batch = clouds()
    shuffled = batch[:, torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    assert torch.allclose(ENCODER.encode(batch), ENCODER.encode(shuffled), atol=1e-12)
    assert torch.allclose(ENCODER.encode(batch), ENCODER.encode(batch.repeat(1, 3, 1)), atol=1e-12)


def test_a_batch_is_embedded_as_each_cloud_alone():
    batch = clouds(4)
    for cloud, z in zip(batch, ENCODER.encode(batch)):
        assert torch.allclose(ENCODER.encode(cloud[None])[0], z, atol=1e-12)


def test_units_are_divided_out():
    batch, diameters = clouds(2), torch.tensor([0.7, 1.0, 3.0]).double()
    together = ENCODER.encode_at(batch, diameters)
    assert together.shape == (3, 2, ENCODER.dim)
    for diameter, z in zip(diameters, together):
        assert torch.allclose(z, ENCODER.encode(batch / diameter), atol=1e-12)


def test_shapes_differ_more_than_samples_of_one_shape():
    def embedded(name, seed):
        points = whole(name, 1500, seed)
        points = points - points.mean(axis=0)
        diameter = np.linalg.norm(points, axis=1).max() * 2
        return ENCODER.encode(torch.from_numpy(points / diameter)[None])[0]

    mug, again, drill = embedded('mug', 0), embedded('mug', 1), embedded('drill', 0)
    assert 1 - mug @ again < 0.1 * (1 - mug @ drill)


def test_a_mirrored_shape_is_not_a_rotated_one():
    """Chirality: no rotation of the grid brings the embedding of a screw onto its mirror image."""
    t = np.linspace(0, 4, 300)
    screw = np.stack((0.3 * np.cos(t), 0.3 * np.sin(t), 0.1 * t), axis=1)
    screw -= screw.mean(axis=0)
    pair = torch.from_numpy(np.stack((screw, screw * [1, 1, -1])))
    z = ENCODER.encode(pair)
    R = torch.from_numpy(np.stack([random_rotation_matrix(seed) for seed in range(3000)]))
    own, other = COPE.grid_scores(COPE.grid_bank(R), z[[0, 0]], z)
    assert other.max() < own.max() - 0.02


def test_points_at_the_centre_are_harmless():
    batch = clouds(1)
    batch[0, :5] = 0
    assert torch.isfinite(ENCODER.encode(batch)).all()
    assert torch.isfinite(ENCODER.encode(torch.zeros(1, 20, 3))).all()


def test_the_key_names_everything_the_embedding_depends_on():
    configs = [HarmonicConfig(), HarmonicConfig(degree_max=6), HarmonicConfig(shells=9),
               HarmonicConfig(inner_radius=0.05), HarmonicConfig(outer_radius=0.5),
               HarmonicConfig(width=0.06)]
    assert len({HarmonicEncoder(config).key for config in configs}) == len(configs)
    assert HarmonicEncoder().key == HarmonicEncoder(HarmonicConfig()).key


def test_senseless_shells_are_refused():
    with pytest.raises(ConfigError, match='degree_max = 40'):
        HarmonicConfig(degree_max=40)
