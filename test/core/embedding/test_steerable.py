"""The steerable network: exactly equivariant, and initially the training-free embedding."""

import pytest
import torch

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.encoders import HarmonicConfig, HarmonicEncoder
from pointpng_core.embedding.encoders.learned import SteerableEncoder
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.factory import make_network
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.embedding.networks.steerable import SteerablePng
from pointpng_core.embedding.networks.steerable.invariants import patch_geometry
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import random_rotations

TINY = {'encoder': 'steerable', 'points': 64, 'patches': 8, 'patch_size': 8, 'width': 24,
        'depth': 2, 'heads': 2, 'degree_max': 5, 'copies': 4}


@pytest.fixture
def clouds():
    generator = torch.Generator().manual_seed(3)
    points = torch.randn(3, 90, 3, generator=generator) * torch.tensor([0.25, 0.15, 0.08])
    return points - points.mean(dim=1, keepdim=True)


def network(*, wild=True, **changes):
    """Return a network; if `wild`, all its weights are random, also those initialised at zero."""
    torch.manual_seed(0)
    model = SteerablePng(ModelConfig(**{**TINY, **changes})).eval().requires_grad_(False)
    if wild:
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model


def rotations(count, seed=1):
    return random_rotations((count,), generator=torch.Generator().manual_seed(seed))


def test_the_embedding_is_exactly_equivariant_for_any_weights(clouds):
    model, R = network(), rotations(3)
    z, rotated = model(clouds), model(clouds @ R.transpose(1, 2))
    torch.testing.assert_close(rotated, model.cope.apply(R, z), atol=1e-5, rtol=0)
    assert (rotated - z).abs().max() > 0.05                  # not invariant


def test_other_outputs_are_equivariant_or_invariant(clouds):
    model, R = network(), rotations(3)
    one = torch.ones(1)
    before, after = model.predict(clouds, one), model.predict(clouds @ R.transpose(1, 2), one)
    torch.testing.assert_close(after.centre, (R @ before.centre[..., None]).squeeze(-1),
                               atol=1e-5, rtol=0)
    assert before.centre.norm(dim=-1).min() > 1e-3
    torch.testing.assert_close(after.visible, before.visible, atol=1e-4, rtol=0)
    torch.testing.assert_close(after.tokens, before.tokens, atol=1e-4, rtol=0)
    torch.testing.assert_close(model.features(clouds @ R.transpose(1, 2)), model.features(clouds),
                               atol=1e-4, rtol=0)


def test_a_mirrored_cloud_is_another_one(clouds):
    model = network()
    mirrored = clouds * torch.tensor([1.0, 1.0, -1.0])
    R = rotations(500)
    best = (model.cope.apply(R, model(clouds)[:1]) @ model(mirrored)[0]).max()
    assert best < 0.99


def test_it_is_initially_the_training_free_embedding(clouds):
    model = network(wild=False)
    free = HarmonicEncoder(HarmonicConfig(degree_max=5, shells=4))
    torch.testing.assert_close(model(clouds), free.encode(clouds), atol=1e-6, rtol=0)
    diameters = torch.tensor([0.8, 1.0, 1.7])
    torch.testing.assert_close(SteerableEncoder(model).encode_at(clouds, diameters),
                               free.encode_at(clouds, diameters), atol=1e-6, rtol=0)


def test_every_part_can_be_trained_away_from_there(clouds):
    model = network(wild=False).requires_grad_(True)
    output = model.predict(clouds, torch.ones(1))
    target = torch.randn(output.z.shape, generator=torch.Generator().manual_seed(0))
    (output.z * target).sum().add(output.centre.sum()).add(output.visible.sum()).backward()
    # Weights behind a layer of zeros have gradients from the second step on.
    idle = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert not idle & {'readout.radial.weight', 'readout.gate.weight', 'readout.mix',
                       'towards.weight', 'seen.weight'}


@pytest.mark.parametrize('scale', [0.5, 2.0])
def test_another_unit_changes_the_shells_and_not_the_tokens(clouds, scale):
    model, encoder = network(), SteerableEncoder(network())
    other = encoder.encode_at(clouds, torch.tensor([scale]))[0]
    torch.testing.assert_close(other, encoder.encode(clouds / scale), atol=1e-5, rtol=0)
    tokens = [model.predict(part, torch.ones(1)).tokens for part in (clouds, clouds / scale)]
    torch.testing.assert_close(*tokens, atol=1e-4, rtol=0)
    assert (other - encoder.encode(clouds)).abs().max() > 1e-2


def test_batches_do_not_matter_nor_do_points_beyond_the_tokens(clouds):
    encoder = SteerableEncoder(network())
    together = encoder.encode(clouds)
    alone = torch.cat([encoder.encode(cloud[None]) for cloud in clouds])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    assert (encoder.encode(clouds[:, :64]) - together).abs().max() > 1e-3  # the read-out sees all


def test_small_clouds_are_repeated(clouds):
    encoder = SteerableEncoder(network())
    few = clouds[:, :20]
    assert torch.isfinite(encoder.encode(few)).all()
    assert encoder.encode(few).shape == (3, encoder.dim)


def test_invariants_have_no_sign_of_a_normal(clouds):
    """A flat patch has a normal of unknown sign: nothing may depend on which one eigh returns."""
    flat = clouds.clone()
    flat[..., 2] = 0.3
    flat -= flat.mean(dim=1, keepdim=True)
    R = rotations(3, seed=5)
    geometry, rotated = (patch_geometry(part, 8, 8) for part in (flat, flat @ R.transpose(1, 2)))
    for name in ('points', 'patches', 'pairs'):
        torch.testing.assert_close(getattr(rotated, name), getattr(geometry, name), atol=2e-4,
                                   rtol=0)


def test_the_key_names_weights_and_configuration():
    keys = {SteerableEncoder(model).key for model in (
        network(), network(wild=False), network(copies=5), network(degree_max=4))}
    assert len(keys) == 4
    assert SteerableEncoder(network()).key in keys


def test_the_configuration_chooses_the_network_and_is_checked():
    assert isinstance(make_network(ModelConfig(**TINY)), SteerablePng)
    transformer = {**TINY, 'encoder': 'transformer'}
    assert isinstance(make_network(ModelConfig(**transformer)), PointPng)
    with pytest.raises(ConfigError, match='harmonic'):
        ModelConfig(**TINY, cope='harmonic')


def test_size_and_cope_fit_each_other(clouds):
    model = network()
    assert isinstance(model.cope, WignerCope)
    assert model(clouds).shape == (3, model.config.embedding_dim)
    assert model.features(clouds).shape == (3, model.feature_size)
