"""The sensor model: its profiles agree with what was measured, its numbers with naive twins."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.geometry.depth_noise import BIAS_PX, KINECT_NOISE, DepthNoise
from pointpng_core.geometry.sensor_profiles import PROFILE_NAMES, PROFILES

SMOOTH = DepthNoise(profile='custom', correlation_px=8.0)


def test_the_default_is_the_published_noise_of_a_kinect_independent_for_every_pixel():
    depths_m = np.array([0.4, 0.65, 1.0, 2.0])
    np.testing.assert_array_equal(KINECT_NOISE.sigma_m(depths_m),
                                  0.0012 + 0.0019 * (depths_m - 0.4) ** 2)
    assert KINECT_NOISE.profile == 'kinect'
    assert KINECT_NOISE.independent_readings(5000) == 5000
    assert KINECT_NOISE.correlation(np.arange(3)).tolist() == [1, 0, 0]


@pytest.mark.parametrize(('profile', 'depth_m', 'low_mm', 'high_mm'), [
    ('realsense_d4xx', 0.66, 1.6, 3.7),        # YCB demo
    ('structured_light', 0.56, 1.0, 1.3),      # YCB-Video, Xtion
    ('structured_light', 1.07, 2.0, 4.8),      # LM-O, Kinect
    ('kinect', 1.0, 1.8, 2.0),                 # Nguyen et al.: 1.2 + 1.9 x .36 = 1.88 mm
    ('tof', 2.0, 1.7, 3.4),                    # Fankhauser et al.: 1.7 mm, and a slow error
])
def test_sigmas_of_profiles_are_those_measured(profile, depth_m, low_mm, high_mm):
    assert low_mm <= 1e3 * DepthNoise(profile=profile).sigma_m(depth_m) <= high_mm


@pytest.mark.parametrize(('profile', 'ranges'), [
    ('realsense_d4xx', {1: (0.9, 0.97), 4: (0.5, 0.92), 10: (0.1, 0.71), 20: (-0.2, 0.4)}),
    ('structured_light', {1: (0.79, 0.91), 4: (0.3, 0.66), 10: (-0.1, 0.4)})])
def test_correlations_of_profiles_are_those_measured(profile, ranges):
    noise = DepthNoise(profile=profile)
    for distance_px, (low, high) in ranges.items():
        assert low <= noise.correlation(distance_px) <= high, distance_px


def test_numbers_count_with_custom_only():
    assert DepthNoise(profile='custom', axial_m=0.003).sigma_m(0.4) == 0.003
    assert DepthNoise(profile='custom') == replace(KINECT_NOISE, profile='custom')
    assert DepthNoise(profile='custom').sigma_m(1.0) == KINECT_NOISE.sigma_m(1.0)
    named = DepthNoise(profile='tof')
    assert named.axial_m == KINECT_NOISE.axial_m
    assert named.sigma_m(1.0) == named.effective.sigma_m(1.0) != KINECT_NOISE.sigma_m(1.0)
    assert named.effective.profile == 'custom'


@pytest.mark.parametrize('profile', PROFILES)
@pytest.mark.parametrize('name', ['axial_m', 'axial_growth', 'correlation_px', 'bias_sigmas'])
def test_a_number_that_contradicts_the_profile_is_refused(profile, name):
    with pytest.raises(ConfigError, match=rf"{name} = 0.05 contradicts profile = '{profile}'.*"
                                          r"set profile = 'custom'"):
        DepthNoise(**{'profile': profile, name: 0.05})
    value = getattr(PROFILES[profile], name)
    assert DepthNoise(**{'profile': profile, name: value}).model == PROFILES[profile]


def test_profiles_are_one_key_of_the_estimator():
    config = EstimatorConfig.from_mapping({'depth_noise': {'profile': 'realsense_d4xx'}})
    assert config.depth_noise == DepthNoise(profile='realsense_d4xx')
    assert EstimatorConfig.from_mapping(config.to_mapping()) == config
    with pytest.raises(ConfigError, match='choose one of kinect, realsense_d4xx'):
        EstimatorConfig.from_mapping({'depth_noise': {'profile': 'lidar'}})


def test_texts_are_read():
    assert [DepthNoise.parse(name).profile for name in PROFILE_NAMES] == list(PROFILE_NAMES)
    numbers = DepthNoise(profile='custom', axial_m=0.002, correlation_px=4.0)
    assert DepthNoise.parse('axial_m=0.002,correlation_px=4') == numbers
    assert DepthNoise.parse('custom,axial_m=0.002,correlation_px=4') == numbers


@pytest.mark.parametrize(('text', 'message'), [
    ('realsense', "profile = 'realsense': choose one of kinect, realsense_d4xx"),
    ('tof,axial_m=0.002', "axial_m = 0.002 contradicts profile = 'tof'"),
    ('axial=0.002', "unknown key 'axial'; did you mean 'axial_m'"),
    ('axial_m=two', "'axial_m=two': expected NAME=NUMBER"),
    ('tof,kinect', "'kinect': expected NAME=NUMBER"),
    ('axial_m=2', r'axial_m = 2.0 m: must lie in \[0, 0.1\]'),
    ('', "profile = '': choose one of")])
def test_texts_that_mean_nothing_are_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        DepthNoise.parse(text)


@pytest.mark.parametrize('profile', PROFILES)
def test_noise_is_scaled_to_a_sigma(profile):
    scaled = DepthNoise(profile=profile).with_sigma(0.0025, 0.65)
    assert scaled.sigma_m(0.65) == pytest.approx(0.0025)
    depths_m = np.linspace(0.3, 3, 5)
    ratio = scaled.sigma_m(depths_m) / DepthNoise(profile=profile).sigma_m(depths_m)
    np.testing.assert_allclose(ratio, ratio[0])
    assert scaled.correlation_px == PROFILES[profile].correlation_px


def test_no_noise_cannot_be_scaled():
    with pytest.raises(ConfigError, match='cannot be scaled'):
        DepthNoise(profile='custom', axial_m=0.0, axial_growth=0.0).with_sigma(0.002, 0.65)


def naive_independent_readings(noise, side):
    """From the sum over all pairs of pixels of a square."""
    row, column = np.divmod(np.arange(side * side), side)
    distances = np.hypot(row[:, None] - row, column[:, None] - column)
    return 1 / noise.correlation(distances).mean()


@pytest.mark.parametrize('noise', [
    SMOOTH, replace(SMOOTH, correlation_px=2.0), replace(SMOOTH, bias_sigmas=0.7),
    DepthNoise(profile='realsense_d4xx')])
@pytest.mark.parametrize('side', [1, 8, 17, 40])
def test_independent_readings_are_those_of_all_pairs_of_a_square(noise, side):
    expected = naive_independent_readings(noise, side)
    assert noise.independent_readings(side ** 2) == pytest.approx(expected, rel=0.06)


def test_independent_readings_of_arrays_and_tensors_are_those_of_numbers():
    pixels = np.array([1.0, 50.0, 5000.0])
    noise = replace(SMOOTH, bias_sigmas=0.5)
    expected = [noise.independent_readings(value) for value in pixels]
    np.testing.assert_allclose(noise.independent_readings(pixels), expected)
    np.testing.assert_allclose(noise.independent_readings(torch.tensor(pixels)), expected)
    assert expected == sorted(expected)
    assert expected[0] == pytest.approx(1, rel=0.1)


def test_five_thousand_pixels_are_not_five_thousand_readings():
    """The volume of exp(-d / 8) is 2 pi 64 = 402 pixels; a slow error bounds them altogether."""
    assert SMOOTH.independent_readings(1e6) == pytest.approx(1e6 / (2 * np.pi * 64), rel=0.05)
    slow = replace(SMOOTH, bias_sigmas=1.0)
    assert slow.independent_readings(5000) < 2 * DepthNoise(
        profile='custom', correlation_px=BIAS_PX).independent_readings(5000)
