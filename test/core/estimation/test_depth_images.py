"""Depth images of many observations at once, against one pixel and one point at a time."""

import numpy as np
import pytest
import torch

from pointpng_core.estimation.verification.depth_images import (
    PIXEL_SPACINGS,
    PIXELS,
    WINDOW,
    DepthImages,
)
from pointpng_core.geometry.clouds.visibility import view_frames

CPU = torch.device('cpu')


def blob(seed, count, z=0.7):
    rng = np.random.default_rng(seed)
    offset = rng.uniform(-0.2, 0.2, 2)
    return (rng.normal(size=(count, 3)) * (0.04, 0.03, 0.02) + (*offset, z)).astype(np.float32)


def naive(cloud, scene_points):
    """Low, pixel, near and far of one image, point by point."""
    axis = cloud.mean(axis=0, dtype=np.float64)
    R = view_frames(axis[None] / np.linalg.norm(axis))[0]

    def on_plane(points):
        image = points.astype(np.float64) @ R.T
        return image[:, :2] / np.maximum(image[:, 2:], 1e-6), image[:, 2]
    plane, _ = on_plane(cloud)
    least, most = plane.min(axis=0), plane.max(axis=0)
    pixel = max(WINDOW * (most - least).max() / PIXELS,
                PIXEL_SPACINGS * np.sqrt((most - least).prod() / len(cloud)))
    low = (most + least) / 2 - pixel * PIXELS / 2
    near, far = np.full(PIXELS ** 2, np.inf), np.full(PIXELS ** 2, -np.inf)
    for points, own in ((cloud, True), (scene_points, False)):
        for place, z in zip(*on_plane(points)):
            column, row = np.floor((place - low) / pixel).astype(int)
            if 0 <= column < PIXELS and 0 <= row < PIXELS and z > 0:
                cell = row * PIXELS + column
                near[cell] = min(near[cell], z)
                far[cell] = max(far[cell], z) if own else far[cell]
    return low, pixel, near, far


@pytest.mark.parametrize('in_a_scene', [False, True])
def test_all_at_once_as_one_by_one(in_a_scene):
    clouds = [blob(0, 900), blob(1, 40), blob(2, 2000, z=0.5)]
    rng = np.random.default_rng(5)
    around = (rng.normal(size=(3000, 3)) * (0.3, 0.3, 0.4)).astype(np.float32) + np.float32(
        (0, 0, 0.8)) if in_a_scene else np.empty((0, 3), np.float32)
    images = DepthImages.from_clouds(clouds, CPU, around if in_a_scene else None)
    for index, cloud in enumerate(clouds):
        low, pixel, near, far = naive(cloud, around)
        assert images.low[index].numpy() == pytest.approx(low, abs=1e-6)
        assert images.pixel[index].item() == pytest.approx(pixel, rel=1e-4)
        for found, twin in ((images.near[index].numpy(), near), (images.far[index].numpy(), far)):
            # Rounding moves a point on the border of two pixels into the other.
            close = np.isclose(found, twin, atol=1e-5)
            assert close.mean() > 0.995
            assert np.isfinite(found).sum() > 10
    if in_a_scene:
        assert np.isfinite(images.near.numpy()).sum() > np.isfinite(images.far.numpy()).sum()


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (2, 0, 2, 2, 1, 0)])
def test_an_image_is_the_same_alone_and_among_others(order):
    different, around = [blob(seed, 300) for seed in range(4)], blob(9, 500)
    clouds = [different[seed] for seed in order]
    together = DepthImages.from_clouds(clouds, CPU, around)
    for index, cloud in enumerate(clouds):
        alone = DepthImages.from_clouds([cloud], CPU, around)
        for name, value in vars(alone).items():
            assert torch.allclose(value[0], getattr(together, name)[index], atol=1e-6), name


def test_empty_scene_points_change_nothing():
    cloud, none = blob(0, 200), np.empty((0, 3), np.float32)
    with_none, without = (DepthImages.from_clouds([cloud], CPU, around) for around in (none, None))
    assert torch.equal(with_none.near, without.near)


def test_one_place_makes_a_pixel_all_the_same():
    images = DepthImages.from_clouds([np.full((20, 3), 0.5, np.float32)], CPU)
    assert images.pixel.item() > 0
    assert torch.isfinite(images.near).sum() == 1
