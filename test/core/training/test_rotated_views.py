"""Rotated views of objects: samples, rotations, stretching, crops, visibility, generators."""

import numpy as np
import pytest
import torch

from pointpng_core.errors import ConfigError
from pointpng_core.geometry.clouds import spacing_m
from pointpng_core.geometry.clouds.hidden_points import visible_points
from pointpng_core.geometry.so3 import fibonacci_directions, frame_towards
from pointpng_core.training.augmentation import AugmentConfig, random_views
from pointpng_core.training.augmentation import rotated_views as views
from pointpng_core.training.augmentation.sensor_views import visible_from_z

PLAIN = {'jitter': 0.0, 'scale_low': 1.0, 'scale_high': 1.0, 'crop_share': 0.0,
         'view_share': 0.0}


@pytest.fixture
def objects():
    """Points on ellipsoids, centred, about one diameter long."""
    sphere = fibonacci_directions(1024)
    sphere = sphere[torch.randperm(1024, generator=torch.Generator().manual_seed(5))]
    scale = torch.tensor([[0.5, 0.4, 0.3], [0.5, 0.2, 0.1]])
    clouds = sphere * scale[:, None]
    return clouds - clouds.mean(dim=1, keepdim=True)


def views_of(objects, count=4, points=256, seed=0, **changes):
    return random_views(objects, count, points, config=AugmentConfig(**{**PLAIN, **changes}),
                        generator=torch.Generator().manual_seed(seed))


def rows_in(points, cloud):
    """For each point the row of the cloud that it is, -1 for none."""
    gaps = torch.cdist(points.double(), cloud.double(),
                       compute_mode='donot_use_mm_for_euclid_dist')
    nearest = gaps.min(dim=-1)
    return torch.where(nearest.values < 1e-5, nearest.indices, -1)


def sampled_rows(objects, clouds, R):
    """Return the rows of the object that each view was sampled from (B, V, n).

    Views are centred; the first point's row is sought such that all others fit too.
    """
    found = []
    for views_of_object, rotations, surface in zip(clouds, R, objects):
        for points, R_view in zip(views_of_object, rotations):
            back = points @ R_view
            shifts = surface - back[0]
            hits = [rows_in(back[:8] + shift, surface) for shift in shifts]
            best = max(range(len(hits)), key=lambda row: int((hits[row] >= 0).sum()))
            found.append(rows_in(back + shifts[best], surface))
    return torch.stack(found).unflatten(0, clouds.shape[:2])


def test_views_are_samples_of_the_object_rotated_and_centred(objects):
    clouds, R = views_of(objects)
    assert clouds.shape == (2, 4, 256, 3)
    assert clouds.mean(dim=2).abs().max() < 1e-6
    assert torch.allclose(R @ R.transpose(-1, -2), torch.eye(3).expand(2, 4, 3, 3), atol=1e-5)
    rows = sampled_rows(objects, clouds, R)
    assert (rows >= 0).all()
    assert all(len(set(view.tolist())) == 256 for each in rows for view in each)


def test_the_samples_of_one_object_are_disjoint_while_its_points_suffice(objects):
    clouds, R = views_of(objects)  # 4 x 256 of 1024
    for rows in sampled_rows(objects, clouds, R):
        assert len(set(rows.flatten().tolist())) == 1024


def test_visible_points_agree_with_their_twin(objects):
    """The twin handles cropped objects and single views one after the other."""
    many, count = objects.repeat(16, 1, 1), 3
    config = AugmentConfig(**{**PLAIN, 'crop_share': 0.3, 'view_share': 0.4})
    kept = views._visible_points(many, count, config, torch.Generator().manual_seed(7))
    generator = torch.Generator().manual_seed(7)
    kind = torch.rand(len(many), generator=generator)
    towards = views._directions(len(many), count, config.view_spread_rad, generator, many.device)
    uncropped = views._uncropped(many, towards, config, generator)
    kinds = set()
    for row, points in enumerate(many):
        kinds.add(int(kind[row] >= 0.3) + int(kind[row] >= 0.7))
        for view in range(count):
            expected = torch.ones(len(points), dtype=torch.bool)
            if kind[row] < 0.3:
                expected = uncropped[row, view]
            elif kind[row] < 0.7:
                expected = visible_from_z(
                    (points @ frame_towards(towards[row, view]).T)[None])[0]
            assert torch.equal(kept[row, view], expected)
    assert kinds == {0, 1, 2}


def test_the_same_generator_gives_the_same_views_and_another_gives_others(objects):
    first, again = views_of(objects, seed=3), views_of(objects, seed=3)
    assert all(torch.equal(a, b) for a, b in zip(first, again))
    assert not torch.equal(first[0], views_of(objects, seed=4)[0])


def test_rotations_cover_all_of_so3_or_only_the_axis_that_is_asked_for(objects):
    many = objects[:1].expand(200, -1, -1)
    _, R = views_of(many, points=16)
    assert R.flatten(0, 1).mean(dim=0).abs().max() < 0.1  # uniform: the mean rotation is zero
    _, R = views_of(many, points=16, rotation='z')
    assert torch.allclose(R[..., 2, :], torch.tensor([0.0, 0.0, 1.0]).expand(200, 4, 3))
    assert R[..., 0, 0].std() > 0.5
    _, R = views_of(many, points=16, rotation='none')
    assert torch.equal(R, torch.eye(3).expand(200, 4, 3, 3))


def test_jitter_has_the_configured_size(objects):
    calm, noisy = views_of(objects), views_of(objects, jitter=0.02)
    assert (noisy[0] - calm[0]).std().item() == pytest.approx(0.02, rel=0.1)


def test_stretching_is_the_same_for_all_views_and_stays_in_range(objects):
    many = objects[:1].expand(100, -1, -1)
    clouds, _ = views_of(many, points=1024, rotation='none', scale_low=0.5, scale_high=2.0)
    factors = clouds.amax(dim=2) / objects[0].amax(dim=0)  # (100, 4, 3)
    assert torch.allclose(factors, factors[:, :1].expand_as(factors), atol=1e-4)
    assert factors.min() >= 0.5 - 1e-4
    assert factors.max() <= 2.0 + 1e-4
    assert torch.log(factors[:, 0]).mean(dim=0).abs().max() < 0.15


def test_crops_cut_off_a_side(objects):
    clouds, _ = views_of(objects[:1].expand(20, -1, -1), points=1024, crop_share=1.0,
                         crop_depth=0.5)
    left = [len(torch.unique(cloud, dim=0)) for cloud in clouds.flatten(0, 1)]
    assert min(left) >= 511
    assert max(left) > 900
    assert len(set(left)) > 20
    assert clouds.mean(dim=2).abs().max() < 1e-6


def test_single_views_show_one_side_and_the_views_of_an_object_much_the_same(objects):
    clouds, R = views_of(objects[:1].expand(10, -1, -1), points=256, view_share=1.0,
                         view_spread_rad=0.0)
    rows = sampled_rows(objects[:1].expand(10, -1, -1)[:2], clouds[:2], R[:2])
    for each in rows:
        visible = objects[0][each[0]]
        towards = visible.mean(dim=0) / visible.mean(dim=0).norm()
        assert ((visible @ towards) > -0.1).float().mean() > 0.95


def test_visibility_agrees_with_the_slow_one_of_the_references(objects):
    cloud = objects[0]
    fast = visible_from_z(cloud[None])[0].numpy()
    slow = visible_points(cloud.numpy(), np.array([0.0, 0.0, 100.0]),
                          spacing_m=spacing_m(cloud.numpy()))
    assert (fast == slow).mean() > 0.9
    height = cloud[:, 2].numpy()
    assert fast[height > 0.1].mean() > 0.95
    assert fast[height < -0.1].mean() < 0.1


def test_views_of_few_points_repeat_them_evenly(objects):
    clouds, _ = views_of(objects[:, :100], points=256)
    counts = torch.unique(clouds[0, 0], dim=0, return_counts=True)[1]
    assert len(counts) == 100
    assert set(counts.tolist()) == {2, 3}


@pytest.mark.parametrize(('values', 'message'), [
    ({'crop_share': 0.6, 'view_share': 0.5}, 'add up to more than 1'),
    ({'jitter': -0.1}, r'jitter = -0.1 diameters: must lie in \[0.0, 0.2\]'),
    ({'rotation': 'y'}, "rotation = 'y': choose one of so3, z, none"),
])
def test_impossible_values_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        AugmentConfig(**values)


def test_a_view_rotated_back_has_the_second_moments_of_the_object(objects):
    clouds, R = views_of(objects, points=1024, jitter=0.0)
    back = clouds @ R
    assert torch.allclose(back.square().sum(dim=(2, 3)).sqrt(),
                          objects.square().sum(dim=(1, 2)).sqrt()[:, None].expand(2, 4), rtol=1e-3)
    moments = back.transpose(-1, -2) @ back
    expected = objects.transpose(-1, -2) @ objects
    assert torch.allclose(moments, expected[:, None].expand_as(moments), atol=1e-2)
