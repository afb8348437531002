"""Camera views, rendered in batches: visibility, occlusion, noise, points of neighbours."""

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


def camera_views(balls, generator, count=200, *, ideal=False, **changes):
    towards = directions(generator)
    views = sensor_views(*balls, towards, count, config=SensorConfig(**{**QUIET, **changes}),
                         generator=generator, ideal=ideal)
    return towards, views


def in_object(views):
    """Return the points in the object's frame."""
    return (views.clouds - views.centre[:, :, None]) @ views.R_view_object


def test_a_camera_without_noise_sees_the_front(balls, generator):
    towards, views = camera_views(balls, generator)
    points = in_object(views)
    torch.testing.assert_close(points.norm(dim=-1), torch.full((4, 3, 200), 0.5), atol=1e-4,
                               rtol=0)
    assert (points @ towards[..., None]).min() > -1e-4
    # Half of it faces the camera; the depth buffer removes points at grazing angles.
    assert views.visible.min() > 0.25
    assert views.visible.max() < 0.5


def test_clouds_are_centred_and_have_the_centre(balls, generator):
    _, views = camera_views(balls, generator, depth_noise=0.03, occluded_share=1.0)
    assert views.clouds.mean(dim=2).abs().max() < 1e-5
    # The centroid of the visible points of a sphere lies in front of its centre: at half the
    # radius for a half sphere, further for less of it.
    _, quiet = camera_views(balls, generator)
    assert quiet.centre[..., 2].min() > -0.4
    assert quiet.centre[..., 2].max() < -0.25
    assert quiet.centre[..., :2].abs().max() < 0.04


def test_without_normals_visibility_is_that_of_the_depth_buffer(balls, generator):
    points, _ = balls
    towards = directions(generator)
    views = sensor_views(points, torch.zeros_like(points), towards, 200,
                         config=SensorConfig(**QUIET), generator=generator)
    with_normals = sensor_views(*balls, towards, 200, config=SensorConfig(**QUIET),
                                generator=generator)
    assert (views.visible - with_normals.visible).abs().max() < 0.05


def test_occlusion_hides_one_side_by_the_configured_share(balls, generator):
    _, whole = camera_views(balls, generator)
    _, views = camera_views(balls, generator, occlusion=0.5, occluded_share=1.0)
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
    deviations = views.clouds.std(dim=(0, 1, 2))
    assert deviations[2] > 10 * deviations[:2].max() > 0
    levels = views.clouds[..., 2].std(dim=2).flatten()
    assert levels.max() < 0.06
    assert levels.min() < 0.3 * levels.max()


def test_a_neighbours_points_lie_beside_the_object(balls, generator):
    _, views = camera_views(balls, generator, leak=0.1, leak_share=1.0)
    foreign = in_object(views).norm(dim=-1) > 0.51
    share = foreign.float().mean(dim=-1)
    assert 0.02 < share.mean() < 0.1
    assert share.max() <= 0.1


def test_the_scale_error_is_as_configured(balls, generator):
    _, views = camera_views(balls, generator, scale=0.2)
    radii = in_object(views).norm(dim=-1).mean(dim=-1)
    assert (radii - 0.5).abs().max() < 0.11
    assert radii.std() > 0.03


def test_an_ideal_camera_has_no_noise_or_occlusion(balls, generator):
    _, views = camera_views(balls, generator, ideal=True, occluded_share=1.0, depth_noise=0.1,
                            leak=0.5, leak_share=1.0, scale=0.5)
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


def test_perturbed_directions_have_about_the_given_angle(generator):
    front = normalize(torch.randn(2000, 3, generator=generator), dim=-1)
    perturbed = perturbed_directions(front, 0.2, generator)
    angles = torch.arccos((front * perturbed).sum(-1).clamp(-1, 1))
    assert 0.15 < angles.mean() < 0.25
