"""The losses by value, against naive twins, at their limits, and their gradients."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.embedding.losses import (
    align_loss,
    ordered_pairs,
    pair_terms,
    point_png_loss,
    pseudo_negative_loss,
    uniformity_loss,
)
from pointpng_core.embedding.losses.point_png import pseudo_negatives
from pointpng_core.geometry.so3 import random_rotations

TAU = 0.2


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def units(*shape, generator, dtype=torch.float32):
    return normalize(torch.randn(*shape, generator=generator, dtype=dtype), dim=-1)


def naive_pseudo_negatives(anchor, negatives, tau):
    values = []
    for a, others in zip(anchor, negatives):
        values.append(math.log(1 + sum(math.exp(-float((a - n).square().sum()) / tau)
                                       for n in others)))
    return sum(values) / len(values)


def naive_uniformity(anchor, target, tau):
    batch, pairs, _ = anchor.shape
    values = [math.log(1 + sum(
        math.exp(-float((anchor[i, p] - target[j, p]).square().sum()) / tau)
        for j in range(batch) if j != i)) for i in range(batch) for p in range(pairs)]
    return sum(values) / len(values)


def test_align_is_the_mean_squared_distance_over_tau(generator):
    a, z = units(6, 5, generator=generator), units(6, 5, generator=generator)
    expected = sum(float((x - y).square().sum()) for x, y in zip(a, z)) / 6 / TAU
    assert align_loss(a, z, tau=TAU).item() == pytest.approx(expected, rel=1e-5)
    assert align_loss(a, a, tau=TAU) == 0


@pytest.mark.parametrize('negatives', [1, 2, 8, 100])
def test_total_collapse_costs_the_logarithm_of_m_plus_one(negatives):
    anchor = torch.tensor([[1.0, 0.0, 0.0]]).expand(4, 3)
    loss = pseudo_negative_loss(anchor, anchor[:, None].expand(4, negatives, 3), tau=TAU)
    assert loss.item() == pytest.approx(math.log(negatives + 1), rel=1e-6)


def test_pseudo_negatives_agree_with_the_formula_term_by_term(generator):
    anchor, negatives = units(5, 7, generator=generator), units(5, 9, 7, generator=generator)
    assert pseudo_negative_loss(anchor, negatives, tau=TAU).item() == pytest.approx(
        naive_pseudo_negatives(anchor, negatives, TAU), rel=1e-5)


def test_without_pseudo_negatives_nothing_is_lost(generator):
    anchor = units(5, 7, generator=generator).requires_grad_()
    loss = pseudo_negative_loss(anchor, anchor[:, None][:, :0], tau=TAU)
    loss.backward()
    assert loss.item() == 0
    assert not anchor.grad.any()


def test_uniformity_agrees_with_the_formula_term_by_term(generator):
    anchor, target = units(6, 3, 7, generator=generator), units(6, 3, 7, generator=generator)
    assert uniformity_loss(anchor, target, tau=TAU).item() == pytest.approx(
        naive_uniformity(anchor, target, TAU), rel=1e-5)


def test_identical_objects_cost_the_logarithm_of_their_number_and_one_object_nothing(generator):
    same = units(1, 3, 7, generator=generator).expand(6, 3, 7)
    assert uniformity_loss(same, same, tau=TAU).item() == pytest.approx(math.log(6), rel=1e-5)
    assert uniformity_loss(same[:1], same[:1], tau=TAU).item() == 0


@pytest.mark.parametrize('tau', [1e-3, 1e-2, 1.0, 1e4])
def test_any_temperature_gives_finite_losses_and_gradients(generator, tau):
    anchor = units(4, 3, 8, generator=generator).requires_grad_()
    target, others = units(4, 3, 8, generator=generator), units(4, 3, 5, 8, generator=generator)
    loss = (align_loss(anchor, target, tau=tau) + uniformity_loss(anchor, target, tau=tau)
            + pseudo_negative_loss(anchor, others, tau=tau))
    loss.backward()
    assert loss.isfinite()
    assert anchor.grad.isfinite().all()


def test_bfloat16_embeddings_lose_no_more_than_their_own_digits(generator):
    a, z = units(8, 3, 16, generator=generator), units(8, 3, 16, generator=generator)
    others = units(8, 3, 5, 16, generator=generator)
    for loss, parts in ((align_loss, (a, z)), (uniformity_loss, (a, z)),
                        (pseudo_negative_loss, (a, others))):
        coarse = loss(*(part.bfloat16() for part in parts), tau=TAU)
        assert coarse.dtype == torch.float32
        assert coarse.item() == pytest.approx(loss(*parts, tau=TAU).item(), rel=0.02)


def test_gradients_agree_with_finite_differences(generator, monkeypatch):
    # In float64, which the losses would leave: the formulas are what is checked here.
    monkeypatch.setattr(torch.Tensor, 'float', lambda tensor: tensor)
    a, z = (units(3, 2, 4, generator=generator, dtype=torch.float64).requires_grad_()
            for _ in range(2))
    n = units(3, 2, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: align_loss(x, y, tau=TAU), (a, z))
    assert torch.autograd.gradcheck(lambda x, y: uniformity_loss(x, y, tau=TAU), (a, z))
    assert torch.autograd.gradcheck(lambda x, y: pseudo_negative_loss(x, y, tau=TAU), (a, n))


def test_all_ordered_pairs_of_views_count_once():
    source, target = ordered_pairs(4)
    assert len(source) == 12
    assert set(zip(source, target)) == {(i, j) for i in range(4) for j in range(4) if i != j}


def test_pair_terms_predict_the_target_view_from_the_source_view(generator):
    cope, R = WignerCope((2, 2, 2)), random_rotations((3, 4), generator=generator)
    object_z = units(3, 1, cope.dim, generator=generator)
    z = cope.apply(R, object_z.expand(3, 4, -1))  # perfectly equivariant
    terms = pair_terms(cope, z, R)
    assert torch.allclose(terms.anchor, terms.z_target, atol=1e-5)
    assert terms.predictor_accuracy.item() == pytest.approx(1.0, abs=1e-5)
    unpredicted = sum(float(z[b, i] @ z[b, j])
                      for b in range(3) for i, j in zip(*ordered_pairs(4))) / 36
    assert terms.absolute_equivariance.item() == pytest.approx(1.0 - unpredicted, abs=1e-5)


def test_an_invariant_embedding_has_no_absolute_equivariance(generator):
    cope, R = WignerCope((4,)), random_rotations((3, 2), generator=generator)
    z = units(3, 1, 4, generator=generator).expand(3, 2, -1)
    assert pair_terms(cope, z, R).absolute_equivariance.item() == pytest.approx(0.0, abs=1e-6)


def test_pseudo_negatives_belong_to_the_source_of_their_pair(generator):
    cope = WignerCope((2, 2))
    z = units(2, 3, cope.dim, generator=generator)
    R = random_rotations((2, 3, 5), generator=generator)
    found = pseudo_negatives(cope, z, R)
    for pair, (source, _) in enumerate(zip(*ordered_pairs(3))):
        expected = cope.apply(R[1, source], z[1, source].expand(5, -1))
        assert torch.allclose(found[1, pair], expected, atol=1e-5)


@pytest.mark.parametrize('beta', [0.0, 0.3, 1.0])
def test_the_loss_is_the_weighted_sum_of_its_terms(generator, beta):
    cope, R = WignerCope((2, 2, 2)), random_rotations((4, 3), generator=generator)
    z = units(4, 3, cope.dim, generator=generator)
    parts = point_png_loss(cope, z, R, beta=beta, negatives=6, tau=TAU, generator=generator)
    expected = parts.align + beta * parts.cope + (1 - beta) * parts.unif
    assert parts.loss.item() == pytest.approx(expected.item(), rel=1e-6)
    none = point_png_loss(cope, z, R, beta=beta, negatives=0, tau=TAU, generator=generator)
    assert none.cope.item() == 0
    assert none.loss.isfinite()
