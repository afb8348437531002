"""Planes: found largest first, fitted, and the heights above them."""

import numpy as np
import pytest

from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.segmentation.plane_detection import Plane, find_planes, fit_plane

CONFIG = SegmenterConfig()


def test_planes_are_found_largest_first_and_face_the_camera():
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(-1, 1, (2000, 2)), rng.normal(1.5, 0.001, 2000)])
    side = np.column_stack([rng.normal(0.7, 0.001, 600), rng.uniform(-0.5, 0.5, 600),
                            rng.uniform(0.7, 1.5, 600)])
    clutter = rng.uniform([-1, -1, 0.5], [1, 1, 1.4], (400, 3))
    points = rng.permutation(np.concatenate([floor, side, clutter]))
    first, second = find_planes(points, config=CONFIG)
    np.testing.assert_allclose(first.normal, [0, 0, -1], atol=0.005)
    np.testing.assert_allclose(second.normal, [-1, 0, 0], atol=0.01)
    assert first.offset_m == pytest.approx(1.5, abs=0.003)
    assert second.offset_m == pytest.approx(0.7, abs=0.005)


def test_heights_and_the_fit_agree_with_the_definition():
    rng = np.random.default_rng(0)
    plane = Plane(normal=np.array([0.6, 0.0, -0.8]), offset_m=0.9)
    points = rng.normal(size=(100, 3))
    np.testing.assert_allclose(plane.heights(points), points @ plane.normal + 0.9)
    on_plane = points - np.outer(plane.heights(points), plane.normal)
    fitted = fit_plane(on_plane)
    np.testing.assert_allclose(fitted.normal, plane.normal, atol=1e-9)
    assert fitted.offset_m == pytest.approx(0.9)
