"""Noise that was put into simulated walls is found again; scenes as people record them, too."""

from dataclasses import replace

from helpers.walls import CAMERA, QUIET, wall_clouds, wall_depths
import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.evaluation.sensor.calibration import calibrate_sensor
from pointpng_core.evaluation.sensor.noise_fit import fit_correlation, fit_depth
from pointpng_core.evaluation.sensor.wall import find_wall
from pointpng_core.evaluation.sensor.wall_errors import DepthSigma
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.geometry.sensor_profiles import PROFILES
from pointpng_core.simulation.noise import SensorErrors
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld

DEPTHS_M = np.linspace(0.5, 1.6, 9)


@pytest.mark.parametrize('numbers', [
    {}, {'axial_m': 0.0015, 'axial_growth': 0.0065, 'correlation_px': 4.0},
    {'axial_m': 0.001, 'axial_growth': 0.003, 'correlation_px': 8.0},
    {'axial_m': 0.003, 'axial_growth': 0.0}])
def test_known_noise_is_found_again(numbers):
    errors = replace(QUIET, **numbers)
    found = calibrate_sensor(wall_clouds(errors, DEPTHS_M))
    assert found.walls == found.clouds == len(DEPTHS_M)
    assert found.growth_measured
    for depth_m in (0.5, 0.65, 1.0, 1.5):
        assert found.noise.sigma_m(depth_m) == pytest.approx(errors.sigma_m(depth_m), rel=0.06)
    assert found.noise.correlation_px == pytest.approx(errors.correlation_px, rel=0.12, abs=0.3)
    assert found.noise.bias_sigmas < 0.15
    assert found.steps is None
    assert found.edges is None


@pytest.mark.parametrize('profile', PROFILES)
def test_the_sigma_of_every_profile_is_found_again(profile):
    """With all that such a sensor does, and a slow error, of which the plane takes a part."""
    errors = SensorErrors(profile=profile)
    found = calibrate_sensor(wall_clouds(errors, DEPTHS_M))
    for depth_m in (0.65, 1.0, 1.5):
        assert found.noise.sigma_m(depth_m) == pytest.approx(errors.sigma_m(depth_m), rel=0.2)
    model = PROFILES[profile]
    assert found.noise.correlation_px == pytest.approx(model.correlation_px, rel=0.4, abs=2)
    assert (found.noise.bias_sigmas > 0.15) == (model.bias_sigmas > 0)
    quantum = errors.effective.quantum_per_m
    assert (found.steps.quantum_per_m if found.steps else 0.0) == pytest.approx(quantum, rel=0.02)


def test_a_table_with_objects_on_it_does_as_well():
    noise = SensorErrors(profile='custom', axial_m=0.002, axial_growth=0.003, lateral_px=0.0)
    world = TabletopWorld(('mug', 'drill', 'box', 'can'))
    simulator = DepthSimulator(world, camera=CAMERA, noise=noise)
    clouds = [PointCloud(points=simulator.frame(index, rate_hz=2).points.reshape(-1, 3),
                         image_shape=(CAMERA.height, CAMERA.width)) for index in range(6)]
    found = calibrate_sensor(clouds)
    assert found.walls == 6
    depth_m = found.by_depth[len(found.by_depth) // 2].depth_m
    assert found.noise.sigma_m(depth_m) == pytest.approx(noise.sigma_m(depth_m), rel=0.1)
    assert found.edges.dropped_share == pytest.approx(0.36, abs=0.1)


@pytest.mark.parametrize('lateral_px', [0.0, 0.5])
def test_errors_sideways_are_told_apart_on_tilted_walls(lateral_px):
    """A jitter of .5 px in whole pixels has a standard deviation of .56 px."""
    errors = replace(QUIET, lateral_px=lateral_px)
    tilts_deg = (10, 45, 30, 50, 15, 30, 45, 35)
    found = calibrate_sensor(cloud for depth_m, tilt_deg in zip(DEPTHS_M, tilts_deg)
                             for cloud in wall_clouds(errors, [depth_m], tilt_deg=tilt_deg))
    for depth_m in (0.5, 1.0, 1.5):
        assert found.noise.sigma_m(depth_m) == pytest.approx(errors.sigma_m(depth_m), rel=0.06)
    assert found.lateral_px == pytest.approx(0.56 if lateral_px else 0.0, abs=0.06)


def test_walls_of_one_slope_cannot_tell_them_apart():
    found = calibrate_sensor(wall_clouds(SensorErrors(), [0.8], tilt_deg=40.0))
    assert found.lateral_px is None
    assert found.noise.sigma_m(0.8) > 1.2 * SensorErrors().sigma_m(0.8)


def test_one_depth_says_nothing_about_growth_and_the_profile_serves():
    errors = replace(QUIET, axial_m=0.002, axial_growth=0.0)
    found = calibrate_sensor(wall_clouds(errors, [0.7, 0.72], tilt_deg=1.0),
                             profile='realsense_d4xx')
    assert not found.growth_measured
    assert found.noise.sigma_m(0.71) == pytest.approx(0.002, rel=0.05)
    model = PROFILES['realsense_d4xx']
    assert found.noise.axial_growth / found.noise.axial_m == pytest.approx(
        model.axial_growth / model.axial_m, rel=0.01)


def test_a_moved_sensor_frame_changes_nothing():
    """Points in another frame than the camera's, whose pose the cloud knows."""
    cloud, = wall_clouds(QUIET, [0.8])
    T = np.eye(4)
    T[:3, :3] = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    T[:3, 3] = [0.1, -0.4, 1.2]
    moved = PointCloud(points=cloud.points @ T[:3, :3].T + T[:3, 3], T_cloud_sensor=T,
                       image_shape=cloud.image_shape)
    one, other = (calibrate_sensor([each]) for each in (cloud, moved))
    assert other.noise.sigma_m(0.8) == pytest.approx(one.noise.sigma_m(0.8), rel=1e-3)


def test_the_plane_of_a_wall_is_that_which_was_rendered():
    ideal, = wall_depths(QUIET.scaled(0), [0.9])
    noisy, = wall_clouds(replace(QUIET, axial_m=0.002), [0.9],
                         screens=((0.08, 0.05, 0.1),))
    wall = find_wall(noisy.points.reshape(*noisy.image_shape, 3))
    assert np.nanmax(np.abs(wall.depth_m - ideal)) < 0.0005
    behind = np.abs(noisy.points[:, 2].reshape(ideal.shape) - ideal) > 0.05
    assert behind.sum() > 500
    assert not (wall.inside & behind).any()
    assert wall.inside.mean() > 0.7
    assert wall.incidence_deg == pytest.approx(12.6, abs=1.0)


def test_clouds_without_a_plane_are_refused():
    rng = np.random.default_rng(0)
    points = rng.uniform([-0.5, -0.5, 0.5], [0.5, 0.5, 1.5], (240 * 320, 3)).astype(np.float32)
    random = PointCloud(points=points, image_shape=(240, 320))
    nothing = PointCloud(points=np.full((240 * 320, 3), np.nan, np.float32),
                         image_shape=(240, 320))
    with pytest.raises(CloudError, match='none of the 2 clouds shows a plane'):
        calibrate_sensor([random, nothing])
    with pytest.raises(CloudError, match='none of the 0 clouds'):
        calibrate_sensor([])


def test_clouds_that_are_not_organised_are_refused():
    cloud, = wall_clouds(QUIET, [0.8])
    with pytest.raises(CloudError, match=r'cloud 1 is not organised.*ordered_pc'):
        calibrate_sensor([cloud, PointCloud(points=cloud.points)])


def test_correlations_of_the_model_are_fitted_exactly():
    lags = np.arange(41)
    for length, white, slow in ((4.0, 0.0, 0.0), (12.0, 0.0, 0.2), (7.0, 0.1, 0.0)):
        noise = DepthNoise(profile='custom', correlation_px=length)
        expected = (1 - slow) * (1 - white) * noise.correlation(lags) + slow * np.exp(-lags / 60)
        expected[0] = 1
        fit = fit_correlation(expected)
        assert fit.correlation_px == pytest.approx(length * (1 - white) ** 0.5, rel=0.05)
        assert fit.slow_share == pytest.approx(slow, abs=0.02)
    assert fit_correlation(np.eye(1, 41)[0]).correlation_px == 0


def test_sigmas_of_the_model_are_fitted_exactly():
    noise = DepthNoise(profile='custom', axial_m=0.0017, axial_growth=0.004)
    measured = [DepthSigma(depth_m=z, sigma_m=noise.sigma_m(z), pixels=1000)
                for z in (0.5, 0.8, 1.3)]
    fit = fit_depth(measured, PROFILES['kinect'])
    assert (fit.axial_m, fit.axial_growth) == pytest.approx((0.0017, 0.004))
    assert not fit_depth(measured[:1], PROFILES['kinect']).growth_measured
