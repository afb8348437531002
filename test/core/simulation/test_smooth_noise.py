"""Correlated noise has the variance, the correlation and the independence that are asked for."""

import numpy as np
import pytest

from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.simulation.smooth_noise import smooth_noise

SHAPE = (240, 320)


def fields(correlation_px, count=12, shape=SHAPE):
    return np.stack([smooth_noise(shape, correlation_px, np.random.default_rng(seed))
                     for seed in range(count)])


@pytest.mark.parametrize('correlation_px', [0.0, 2.0, 4.0, 12.0])
def test_variance_and_correlation_are_those_asked_for(correlation_px):
    images = fields(correlation_px)
    assert images.dtype == np.float32
    assert images.mean() == pytest.approx(0, abs=0.1)
    assert images.std() == pytest.approx(1, abs=0.04)
    noise = DepthNoise(profile='custom', correlation_px=correlation_px)
    for distance_px in (1, 4, 10, 20):
        along = (images[:, :, distance_px:] * images[:, :, :-distance_px]).mean()
        down = (images[:, distance_px:] * images[:, :-distance_px]).mean()
        expected = noise.correlation(distance_px)
        assert (along, down) == pytest.approx((expected, expected), abs=0.07), distance_px


def test_correlation_is_the_same_in_every_direction():
    images = fields(6.0)
    straight = (images[:, :, 10:] * images[:, :, :-10]).mean()
    slanted = (images[:, 6:, 8:] * images[:, :-6, :-8]).mean()
    assert slanted == pytest.approx(straight, abs=0.05)


def test_opposite_borders_are_independent():
    images = fields(8.0, count=400, shape=(64, 80))
    assert abs((images[:, 0] * images[:, -1]).mean()) < 0.1
    assert abs((images[:, :, 0] * images[:, :, -1]).mean()) < 0.1


def test_the_mean_of_a_region_varies_as_the_sensor_model_says():
    images = fields(4.0, count=20)
    blocks = images.reshape(20, 6, 40, 8, 40).mean(axis=(2, 4))
    noise = DepthNoise(profile='custom', correlation_px=4.0)
    assert 1 / blocks.var() == pytest.approx(noise.independent_readings(40 * 40), rel=0.15)


def test_the_same_seed_gives_the_same_bytes():
    first, again = (smooth_noise(SHAPE, 5.0, np.random.default_rng(3)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
