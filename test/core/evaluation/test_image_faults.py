"""Readings lost at edges and steps of depth, as they were put into simulated images."""

from dataclasses import replace

from helpers.walls import QUIET, wall_depths
import numpy as np
import pytest

from pointpng_core.evaluation.sensor.image_faults import EdgeCounter, StepFinder

SCREENS = ((0.1, 0.1, 0.15),)
DEPTHS_M = (0.8, 1.0, 1.2)


def edges_of(errors, screens=SCREENS):
    counter = EdgeCounter()
    for depth_m in wall_depths(errors, DEPTHS_M, screens=screens):
        counter.add(depth_m, 0.002)
    return counter.result()


@pytest.mark.parametrize('share', [0.0, 0.2, 0.6])
def test_the_share_lost_beside_jumps_is_found(share):
    found = edges_of(replace(QUIET, dropped_share=0.0, edge_dropped_share=share))
    assert found.dropped_share == pytest.approx(share, abs=0.06)
    assert found.width_px == pytest.approx(2 * share, abs=0.15)


def test_the_width_of_eaten_edges_is_found():
    found = edges_of(replace(QUIET, dropped_share=0.0, edge_dropped_share=0.0, eaten_px=3.0))
    assert found.width_px == pytest.approx(3, abs=0.6)


def test_without_jumps_nothing_is_said_about_edges():
    assert edges_of(QUIET, screens=()) is None
    counter = EdgeCounter()
    counter.add(np.full((20, 20), np.nan), 0.002)
    assert counter.result() is None


def test_noise_makes_no_jumps():
    """At 3 m, where neighbours differ by more than a jump at .8 m."""
    far, = wall_depths(replace(QUIET, axial_m=0.03, axial_growth=0.0), [3.0])
    counter = EdgeCounter()
    counter.add(far, 0.03 / 9)
    assert counter.result() is None


def steps_of(depths):
    finder = StepFinder()
    for depth_m in depths:
        finder.add(depth_m[np.isfinite(depth_m)])
    return finder.result()


@pytest.mark.parametrize('rounded_m', [None, 0.001, 0.0001])
def test_steps_of_inverse_depth_are_found_also_in_images_of_whole_units(rounded_m):
    depths = list(wall_depths(replace(QUIET, quantum_per_m=0.0028), np.linspace(0.8, 2.0, 6)))
    if rounded_m:
        depths = [np.round(depth_m / rounded_m) * rounded_m for depth_m in depths]
    found = steps_of(depths)
    assert found.quantum_per_m == pytest.approx(0.0028, rel=0.03)
    assert not found.stored
    assert found.step_m == pytest.approx(0.0028 * found.depth_m ** 2, rel=0.03)


def test_the_unit_of_an_image_is_no_step_of_the_sensor():
    found = steps_of([np.round(depth_m, 3) for depth_m in wall_depths(QUIET, DEPTHS_M)])
    assert found.stored
    assert found.step_m == pytest.approx(0.001, rel=1e-3)


def test_continuous_depth_has_no_steps():
    assert steps_of(wall_depths(QUIET, DEPTHS_M)) is None
    assert steps_of([]) is None
    assert steps_of([np.full((50, 50), 0.7)]) is None
