"""Views of a camera, rendered in batches: what is seen, hidden, noisy, and from whom."""

import pytest
import torch
from torch.nn.functional import normalize

from pointpng_core.training.augmentation.config import SensorConfig
from pointpng_core.training.augmentation.sensor_views import perturbed_directions, sensor_views

QUIET = {'occluded_share': 0.0, 'leak_share': 0.0, 'depth_noise': 0.0, 'lateral_noise': 0.0,
         'scale': 0.0}


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def balls(generator):
    """Four spheres of diameter one, with normals."""
    normals = normalize(torch.randn(4, 1024, 3, generator=generator), dim=-1)
    return 0.5 * normals, normals


def directions(generator, views=3):
    return normalize(torch.randn(4, views, 3, generator=generator), dim=-1)


def seen(balls, generator, count=200, *, ideal=False, **changes):
    towards = directions(generator)
    views = sensor_views(*balls, towards, count, config=SensorConfig(**{**QUIET, **changes}),
                         generator=generator, ideal=ideal)
    return towards, views


def in_object(views):
    """The points in the object's frame."""
    return (views.clouds - views.centre[:, :, None]) @ views.R_view_object


def test_a_quiet_camera_sees_what_faces_it(balls, generator):
    towards, views = seen(balls, generator)
    points = in_object(views)
    torch.testing.assert_close(points.norm(dim=-1), torch.full((4, 3, 200), 0.5), atol=1e-4,
                               rtol=0)
    assert (points @ towards[..., None]).min() > -1e-4
    # Half of it faces the camera; what does so at a grazing angle, the depth buffer takes away.
    assert views.visible.min() > 0.25
    assert views.visible.max() < 0.5


def test_clouds_are_about_their_centroid_and_know_the_centre(balls, generator):
    _, views = seen(balls, generator, depth_noise=0.03, occluded_share=1.0)
    assert views.clouds.mean(dim=2).abs().max() < 1e-5
    # The centroid of what is seen of a sphere lies before its centre: at half the radius for a
    # half sphere, further for less of it.
    _, quiet = seen(balls, generator)
    assert quiet.centre[..., 2].min() > -0.4
    assert quiet.centre[..., 2].max() < -0.25
    assert quiet.centre[..., :2].abs().max() < 0.04


def test_without_normals_only_the_depth_buffer_tells(balls, generator):
    points, _ = balls
    towards = directions(generator)
    views = sensor_views(points, torch.zeros_like(points), towards, 200,
                         config=SensorConfig(**QUIET), generator=generator)
    with_normals = sensor_views(*balls, towards, 200, config=SensorConfig(**QUIET),
                                generator=generator)
    assert (views.visible - with_normals.visible).abs().max() < 0.05


def test_occlusion_hides_a_side_and_as_much_as_is_told(balls, generator):
    _, whole = seen(balls, generator)
    _, views = seen(balls, generator, occlusion=0.5, occluded_share=1.0)
    assert (views.visible > 0.45 * whole.visible.mean()).all()
    assert views.visible.min() < 0.8 * whole.visible.mean()
    flat = (views.clouds - views.centre[:, :, None])[..., :2]
    # What is left is no longer centred on the axis to the camera.
    assert flat.mean(dim=2).norm(dim=-1).max() > 0.08


def test_noise_grows_along_the_ray(balls, generator):
    config = SensorConfig(**{**QUIET, 'depth_noise': 0.05, 'lateral_noise': 0.002})
    points = torch.zeros_like(balls[0])
    views = sensor_views(points, torch.zeros_like(points), directions(generator, 50), 200,
                         config=config, generator=generator)
    spread = views.clouds.std(dim=(0, 1, 2))
    assert spread[2] > 10 * spread[:2].max() > 0
    levels = views.clouds[..., 2].std(dim=2).flatten()
    assert levels.max() < 0.06
    assert levels.min() < 0.3 * levels.max()


def test_a_neighbours_points_lie_beside_the_object(balls, generator):
    _, views = seen(balls, generator, leak=0.1, leak_share=1.0)
    strangers = in_object(views).norm(dim=-1) > 0.51
    share = strangers.float().mean(dim=-1)
    assert 0.02 < share.mean() < 0.1
    assert share.max() <= 0.1


def test_the_scale_is_off_by_as_much_as_is_told(balls, generator):
    _, views = seen(balls, generator, scale=0.2)
    radii = in_object(views).norm(dim=-1).mean(dim=-1)
    assert (radii - 0.5).abs().max() < 0.11
    assert radii.std() > 0.03


def test_an_ideal_camera_is_quiet_whatever_it_is_told(balls, generator):
    _, views = seen(balls, generator, ideal=True, occluded_share=1.0, depth_noise=0.1, leak=0.5,
                    leak_share=1.0, scale=0.5)
    torch.testing.assert_close(in_object(views).norm(dim=-1), torch.full((4, 3, 200), 0.5),
                               atol=1e-4, rtol=0)


def test_one_seed_gives_one_view(balls):
    config = SensorConfig()
    towards = directions(torch.Generator().manual_seed(1))
    a, b, c = (sensor_views(*balls, towards, 64, config=config,
                            generator=torch.Generator().manual_seed(seed)).clouds
               for seed in (5, 5, 6))
    torch.testing.assert_close(a, b, atol=0, rtol=0)
    assert (a - c).abs().max() > 0


def test_directions_around_another_are_about_as_far_as_told(generator):
    front = normalize(torch.randn(2000, 3, generator=generator), dim=-1)
    angles = torch.arccos((front * perturbed_directions(front, 0.2, generator)).sum(-1).clamp(-1, 1))
    assert 0.15 < angles.mean() < 0.25
