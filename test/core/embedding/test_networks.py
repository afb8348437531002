"""The networks: shapes, sizes, masking, normalisation over processes, export."""

import dataclasses
from pathlib import Path

import pytest
import torch

from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.masked_autoencoder import MaskedAutoencoder, chamfer_loss
from pointpng_core.embedding.networks.patches import group_patches, random_mask, take
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.embedding.networks.sync_batch_norm import SynchronisedBatchNorm
from pointpng_core.embedding.networks.transformer import PointTransformer, pooled
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import random_rotations
from pointpng_core.training.config import TrainConfig

CONFIGS = Path(__file__).resolve().parents[3] / 'config'
TINY = {'points': 64, 'patches': 8, 'patch_size': 8, 'width': 24, 'depth': 2, 'heads': 2,
        'decoder_depth': 1, 'projector': 32, 'degree_max': 2, 'copies': 2, 'dim': 16}


@pytest.fixture
def clouds():
    points = torch.randn(4, 64, 3, generator=torch.Generator().manual_seed(0)) * 0.2
    return points - points.mean(dim=1, keepdim=True)


def tiny(**changes):
    torch.manual_seed(0)
    return PointPng(ModelConfig(**{**TINY, **changes})).eval()


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_patches_are_the_nearest_points_of_their_centres(clouds):
    patches, centres = group_patches(clouds, 8, 5)
    for cloud, centre, patch in zip(clouds, centres, patches):
        for place, points in zip(centre, patch):
            nearest = (cloud - place).norm(dim=-1).sort().values[:5]
            assert torch.allclose(points.norm(dim=-1).sort().values, nearest, atol=1e-5)


def test_a_rotated_cloud_gives_the_same_patches_rotated(clouds):
    R = random_rotations((), generator=torch.Generator().manual_seed(1))
    patches, centres = group_patches(clouds, 8, 5)
    rotated_patches, rotated_centres = group_patches(clouds @ R.T, 8, 5)
    assert torch.allclose(rotated_centres, centres @ R.T, atol=1e-5)
    assert torch.allclose(rotated_patches, patches @ R.T, atol=1e-5)


@pytest.mark.parametrize('cope', ['wigner', 'harmonic', 'sie'])
def test_embeddings_are_unit_vectors_and_do_not_depend_on_the_order_of_points(clouds, cope):
    model = tiny(cope=cope)
    z = model(clouds)
    assert z.shape == (4, model.config.embedding_dim)
    assert z.shape[1] == model.cope.dim
    assert torch.allclose(z.norm(dim=-1), torch.ones(4), atol=1e-5)
    assert torch.allclose(model(clouds[:, torch.randperm(64)]), z, atol=1e-4)
    assert model.features(clouds).shape == (4, 2 * model.config.width)


def test_half_precision_changes_the_embedding_little(clouds):
    model = tiny()
    with torch.autocast('cpu', torch.bfloat16):
        coarse = model(clouds)
    assert coarse.dtype == torch.float32
    assert (coarse * model(clouds)).sum(-1).min() > 0.99


def test_masks_have_their_share_and_differ_between_clouds():
    mask = random_mask((50, 10), 0.6, generator=torch.Generator().manual_seed(0),
                       device=torch.device('cpu'))
    assert mask.masked.shape == (50, 6)
    both = torch.cat((mask.visible, mask.masked), dim=1).sort(dim=1).values
    assert torch.equal(both, torch.arange(10).expand(50, 10))
    assert len({tuple(row.sort().values.tolist()) for row in mask.masked}) > 20
    with pytest.raises(ValueError, match=r'ratio = 1\.0'):
        random_mask((1, 10), 1.0, generator=None, device=torch.device('cpu'))


def test_the_encoder_ignores_masked_patches(clouds):
    encoder = PointTransformer(ModelConfig(**TINY)).eval()
    patches, centres = encoder.group(clouds)
    mask = random_mask((4, 8), 0.5, generator=None, device=clouds.device)
    tokens = encoder(patches, centres, mask)
    patches[torch.arange(4)[:, None], mask.masked] = torch.nan
    assert torch.equal(encoder(patches, centres, mask), tokens)
    alone = encoder(take(patches, mask.visible), take(centres, mask.visible))
    assert torch.allclose(alone, tokens)


def test_the_decoder_predicts_the_masked_patches_in_their_order(clouds):
    torch.manual_seed(0)
    autoencoder = MaskedAutoencoder(PointTransformer(ModelConfig(**TINY)))
    predicted, true = autoencoder(clouds, mask_ratio=0.5,
                                  generator=torch.Generator().manual_seed(3))
    assert predicted.shape == true.shape == (4, 4, 8, 3)
    mask = random_mask((4, 8), 0.5, generator=torch.Generator().manual_seed(3),
                       device=clouds.device)
    patches, _ = autoencoder.encoder.group(clouds)
    assert torch.equal(true, take(patches, mask.masked))
    (predicted - true).square().mean().backward()
    assert all(p.grad is not None for p in autoencoder.parameters())


def test_masked_autoencoding_learns_to_predict_masked_patches(clouds):
    torch.manual_seed(0)
    autoencoder = MaskedAutoencoder(PointTransformer(ModelConfig(**TINY)))
    optimiser = torch.optim.AdamW(autoencoder.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        loss = chamfer_loss(*autoencoder(clouds, mask_ratio=0.5,
                                         generator=torch.Generator().manual_seed(step % 4)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-4:]) < 0.6 * sum(losses[:4])


def test_chamfer_agrees_with_nearest_points_found_one_by_one():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 5, 3, generator=generator), torch.randn(2, 7, 3, generator=generator)
    expected = 0.0
    for one, other in ((a, b), (b, a)):
        nearest = [min(float((p - q).square().sum()) for q in other[k])
                   for k in range(2) for p in one[k]]
        expected += sum(nearest) / len(nearest)
    assert chamfer_loss(a, b).item() == pytest.approx(expected, rel=1e-5)
    assert chamfer_loss(a, a[:, torch.randperm(5, generator=generator)]).item() == 0


def test_synchronised_batch_norm_of_one_process_is_the_ordinary_one():
    rows = torch.randn(16, 5, generator=torch.Generator().manual_seed(0))
    ours, ordinary = SynchronisedBatchNorm(5), torch.nn.BatchNorm1d(5)
    assert torch.equal(ours(rows), ordinary(rows))
    assert torch.equal(ours.running_var, ordinary.running_var)


def test_pooling_is_maximum_and_mean():
    tokens = torch.tensor([[[1.0, -2.0], [3.0, 0.0]]])
    assert pooled(tokens).tolist() == [[3.0, 0.0, 2.0, -1.0]]


def test_shipped_configurations_have_the_documented_sizes():
    small = TrainConfig.from_yaml(CONFIGS / 'train_small.yaml')
    assert small == dataclasses.replace(TrainConfig(), precision='bfloat16')  # the defaults
    assert 1.0e6 < parameters(PointPng(small.model)) < 3.0e6
    paper = TrainConfig.from_yaml(CONFIGS / 'train_paper.yaml').model
    model = PointPng(paper)
    assert (paper.points, paper.patches, paper.patch_size) == (1024, 64, 32)
    assert (paper.width, paper.depth, paper.heads, paper.decoder_depth) == (384, 12, 6, 4)
    assert 20e6 < parameters(model.encoder) < 25e6  # Point-MAE's encoder has 22 million
    assert 150e3 < parameters(model.cope) < 250e3


def test_the_model_can_be_exported(clouds):
    model = tiny()
    exported = torch.export.export(model, (clouds,))
    assert torch.allclose(exported.module()(clouds), model(clouds), atol=1e-5)


@pytest.mark.parametrize(('values', 'message'), [
    ({'width': 25}, 'width = 25 is not a multiple of heads = 2'),
    ({'patches': 65}, 'patches = 65: a cloud has only points = 64'),
    ({'cope': 'magic'}, "cope = 'magic': choose one of wigner, harmonic, sie"),
])
def test_sizes_that_do_not_fit_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**{**TINY, **values})


def test_every_degree_keeps_its_share_of_a_balanced_wigner_embedding(clouds):
    model = tiny()
    blocks = [block.flatten(1) for block in model.cope.split(model(clouds))]
    energies = torch.stack([block.square().sum(-1) for block in blocks], dim=1)  # (4, L + 1)
    assert (energies[:, 1:] >= energies[:, :1] - 1e-5).all()
    assert (energies[:, 1:] <= 4 * energies[:, :1] + 1e-5).all()
    free = tiny(balanced=False)
    share = free(clouds)[:, :TINY['copies']].square().sum(-1)
    assert (share - energies[:, 0]).abs().max() > 0.05


def test_balancing_is_equivariant(clouds):
    model = tiny()
    R = random_rotations((4,), generator=torch.Generator().manual_seed(1))
    raw = torch.randn(4, model.cope.dim, generator=torch.Generator().manual_seed(2))
    rotated = model._normalised(model.cope.apply(R, raw))
    assert torch.allclose(rotated, model.cope.apply(R, model._normalised(raw)), atol=1e-5)
