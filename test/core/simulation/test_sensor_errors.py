"""Errors of simulated sensors, one by one: where and how large, and what they leave alone."""

from dataclasses import replace

import numpy as np
import pytest

from pointpng_core.errors import ConfigError
from pointpng_core.geometry.sensor_profiles import PROFILES
from pointpng_core.simulation.edge_errors import shadowed
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import DepthImage
from pointpng_core.simulation.sensor_errors import PRESETS

IDEAL = SensorErrors().scaled(0)
SHAPE = (120, 160)
NEAR_M, FAR_M = 0.6, 0.8
BOX = (slice(40, 80), slice(60, 110))


def image_of(depth_m, owner=None):
    return DepthImage(depth_m=depth_m.astype(np.float32), cosine=np.ones(SHAPE, dtype=np.float32),
                      owner=np.zeros(SHAPE, np.int16) if owner is None else owner,
                      visible_share=np.ones(40), inside=np.ones(40, dtype=bool))


def box():
    depth_m = np.full(SHAPE, FAR_M, dtype=np.float32)
    depth_m[BOX] = NEAR_M
    return image_of(depth_m)


def read(image, errors, seed=0):
    return measure(image, errors, np.random.default_rng(seed), near_m=0.1, far_m=5.0)


def test_the_default_takes_its_random_numbers_as_ever():
    """Noise first, then the readings that are lost: frames of old seeds stay the same."""
    image, rng = box(), np.random.default_rng(0)
    depth_m = image.depth_m.copy()
    sigma_m = 0.0012 + 0.0019 * (depth_m - 0.4) ** 2
    depth_m += sigma_m * rng.standard_normal(SHAPE, dtype=np.float32)
    depth_m[rng.random(SHAPE, dtype=np.float32) < 0.01] = np.nan
    errors = SensorErrors(lateral_px=0.0, edge_dropped_share=0.0)
    assert read(image, errors).tobytes() == depth_m.tobytes()


@pytest.mark.parametrize('profile', PROFILES)
def test_every_sensor_is_repeatable_and_ideal_at_level_0(profile):
    errors = SensorErrors(profile=profile)
    assert read(box(), errors).tobytes() == read(box(), errors).tobytes()
    assert read(box(), errors.scaled(1)).tobytes() == read(box(), errors).tobytes()
    np.testing.assert_array_equal(read(box(), errors.scaled(0)), box().depth_m)
    assert np.nanmax(np.abs(read(box(), errors) - box().depth_m)) > 0.002


@pytest.mark.parametrize('profile', PRESETS)
def test_a_profile_brings_its_errors_and_explicit_ones_stay(profile):
    effective = SensorErrors(profile=profile).effective
    for name, value in PRESETS[profile].items():
        assert getattr(effective, name) == value
    assert SensorErrors(profile=profile, dropped_share=0.2).effective.dropped_share == 0.2
    assert effective.model == PROFILES[profile]
    assert effective.effective == effective
    with pytest.raises(ConfigError, match=r'SensorErrors\.axial_m = 0\.01 contradicts'):
        SensorErrors(profile=profile, axial_m=0.01)


def test_the_scaled_sigma_of_a_profile_keeps_its_edges():
    errors = SensorErrors(profile='realsense_d4xx').with_sigma(0.0025, 0.65)
    assert errors.sigma_m(0.65) == pytest.approx(0.0025)
    assert errors.fattened_px == PRESETS['realsense_d4xx']['fattened_px']


@pytest.mark.parametrize(('correlation_px', 'bias_sigmas'), [(0.0, 0.0), (4.0, 0.0), (8.0, 1.0)])
def test_noise_has_the_sigma_of_the_model(correlation_px, bias_sigmas):
    errors = replace(IDEAL, axial_m=0.002, correlation_px=correlation_px, bias_sigmas=bias_sigmas)
    flat = image_of(np.full(SHAPE, 0.4))
    error_m = np.stack([read(flat, errors, seed) for seed in range(60)]) - np.float32(0.4)
    assert error_m.std() == pytest.approx(errors.sigma_m(0.4), rel=0.08)
    neighbours = (error_m[:, :, 4:] * error_m[:, :, :-4]).mean() / error_m.var()
    assert neighbours == pytest.approx(errors.correlation(4), abs=0.06)


def test_near_surfaces_grow_over_what_is_behind_them():
    grown = np.stack([read(box(), replace(IDEAL, fattened_px=3.0), seed) for seed in range(20)])
    near = grown == np.float32(NEAR_M)
    assert near[(slice(None), *BOX)].all()
    assert np.isin(grown, np.float32([NEAR_M, FAR_M])).all()
    width_px = near[:, 60, :60].sum(axis=1)
    assert width_px.mean() == pytest.approx(3, abs=0.7)
    assert width_px.std() > 0.3
    assert not near[:, :30].any()


def test_rims_of_near_surfaces_are_eaten():
    lost = np.isnan([read(box(), replace(IDEAL, eaten_px=3.0), seed) for seed in range(20)])
    inside = np.zeros(SHAPE, dtype=bool)
    inside[BOX] = True
    assert not lost[:, ~inside].any()
    assert lost[:, 60, 60:85].sum(axis=1).mean() == pytest.approx(3, abs=0.7)
    assert not lost[:, 52:68, 72:98].any()


def naive_shadow(depth_m, jump_m, shift_px_m):
    """Whether anything nearer falls on about the same column of the second eye."""
    columns = np.arange(depth_m.shape[1]) - shift_px_m / depth_m
    hidden = np.zeros(depth_m.shape, dtype=bool)
    for row in range(len(depth_m)):
        same = np.abs(columns[row][:, None] - columns[row]) < 1.0
        nearer = depth_m[row][:, None] - depth_m[row] > jump_m
        hidden[row] = (same & nearer).any(axis=1)
    return hidden


def test_the_shadow_lies_to_the_left_and_is_as_wide_as_the_disparity():
    lost = np.isnan(read(box(), replace(IDEAL, shadow_px_m=43.0)))
    width_px = 43 * (1 / NEAR_M - 1 / FAR_M)
    assert lost[60, :60].sum() == pytest.approx(width_px, abs=1.5)
    assert not lost[:, 60:].any()
    assert not lost[:39].any()


def test_the_shadow_is_that_of_the_naive_twin():
    """A post that is narrower than its own disparity throws a shadow that does not touch it."""
    depth_m = np.full(SHAPE, 1.2, dtype=np.float32)
    depth_m[20:90, 100:106] = 0.5
    depth_m[50:, 40:80] = np.linspace(0.7, 0.8, 40, dtype=np.float32)
    fast, naive = shadowed(depth_m, 0.02, 43.0), naive_shadow(depth_m, 0.02, 43.0)
    assert naive[30].any()
    assert not naive[30, 80:].any()
    assert (fast != naive).mean() < 0.005
    assert (fast & naive).sum() > 0.9 * naive.sum()


def test_nothing_behind_throws_no_error():
    depth_m = np.full(SHAPE, np.inf, dtype=np.float32)
    everything = replace(IDEAL, fattened_px=2.0, eaten_px=1.0, shadow_px_m=43.0, flying_share=0.5,
                         corner_bias_m=0.004, dark_share=0.5)
    assert np.isnan(read(image_of(depth_m), everything)).all()
    depth_m[BOX] = NEAR_M
    seen = read(image_of(depth_m), everything)
    assert np.isfinite(seen[55:65, 75:95]).any()


def test_pixels_fly_between_both_sides_of_a_jump():
    seen = np.stack([read(box(), replace(IDEAL, flying_share=0.5), seed) for seed in range(10)])
    between = (seen > NEAR_M + 1e-3) & (seen < FAR_M - 1e-3)
    assert between[:, 41:79, 59:61].mean() == pytest.approx(0.5, abs=0.05)
    assert not between[:, 42:78, 62:108].any()
    assert not between[:, :38].any()


def test_inner_corners_are_measured_too_far_and_flat_walls_are_not():
    columns = np.arange(SHAPE[1]) - 80
    corner = 0.8 / (1 + np.abs(columns) / 575)           # two walls at 45 degrees to the axis
    slope = 0.8 / (1 + columns / 575)
    errors = replace(IDEAL, corner_bias_m=0.005)
    bias_m = read(image_of(np.tile(corner, (SHAPE[0], 1))), errors) - corner
    assert bias_m[:, 80] == pytest.approx(0.005, rel=0.25)
    assert np.abs(bias_m[:, :50]).max() < 0.0005
    assert np.abs(read(image_of(np.tile(slope, (SHAPE[0], 1))), errors) - slope).max() < 0.0005
    outer = 0.8 / (1 - np.abs(columns) / 575)
    assert np.abs(read(image_of(np.tile(outer, (SHAPE[0], 1))), errors) - outer).max() < 0.0005


def test_dark_objects_have_holes_and_others_none():
    owner = np.arange(40, dtype=np.int16).repeat(480).reshape(SHAPE)
    flat = image_of(np.full(SHAPE, FAR_M), owner)
    errors = replace(IDEAL, dark_share=0.5, dark_loss=0.3)
    lost = np.stack([np.isnan(read(flat, errors, seed)) for seed in range(40)])
    share = lost.reshape(40, 40, 480).mean(axis=2)
    assert (share == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert lost.mean() == pytest.approx(0.5 * 0.3, abs=0.03)
    grazing = replace(flat, cosine=np.full(SHAPE, 0.4, dtype=np.float32))
    assert np.isnan(read(grazing, errors)).mean() > np.isnan(read(flat, errors)).mean()
    behind = image_of(np.full(SHAPE, FAR_M), np.full(SHAPE, -2, dtype=np.int16))
    assert not np.isnan(read(behind, replace(errors, dark_share=1.0))).any()
