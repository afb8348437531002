"""Polygons split into triangles: their area, their side, and what is no polygon."""

import numpy as np
import pytest

from pointpng_core.geometry.polygons import split_polygons

U = np.array([[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3]], float)
STAR = np.array([[np.sin(a) * r, np.cos(a) * r] for a, r in zip(
    np.arange(10) * np.pi / 5, [1, 0.4] * 5)])
ARROW = np.array([[0, 0], [2, 1], [0, 2], [0.5, 1]], float)
ROTATIONS = [np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0] for seed in range(4)]


def area(points):
    x, y = points.T
    return abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2


def area_vectors(vertices, faces):
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a) / 2


@pytest.mark.parametrize('R', ROTATIONS, ids=range(4))
@pytest.mark.parametrize('shape', [U, STAR, ARROW], ids=['U', 'star', 'arrow'])
def test_concave_polygons_keep_their_area_and_their_side(shape, R):
    vertices = np.column_stack((shape, np.zeros(len(shape)))) @ R.T + 0.3
    for start in range(len(shape)):
        for way in (1, -1):
            polygon = np.roll(np.arange(len(shape)), start)[::way]
            areas = area_vectors(vertices, split_polygons([polygon], vertices))
            assert np.linalg.norm(areas, axis=1).sum() == pytest.approx(area(shape))
            assert np.linalg.norm(areas.sum(axis=0)) == pytest.approx(area(shape))


def test_convex_polygons_are_fans():
    vertices = np.column_stack((U[[0, 1, 2, 7]], np.zeros(4)))
    assert split_polygons([[0, 1, 2, 3]], vertices).tolist() == [[0, 1, 2], [0, 2, 3]]


def test_faces_may_have_different_numbers_of_corners():
    vertices = np.column_stack((ARROW, np.zeros(4)))
    faces = split_polygons([[0, 1], [0, 1, 2], [3], [], [0, 1, 2, 3]], vertices)
    assert len(faces) == 3
    assert split_polygons([[0, 1]], vertices).shape == (0, 3)


def test_corners_that_no_vertex_has_are_refused():
    with pytest.raises(ValueError, match='vertex 9'):
        split_polygons([[0, 1, 2, 9]], np.zeros((4, 3)))
