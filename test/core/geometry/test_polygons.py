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


KEYHOLE = np.array([[0, 0], [3, 0], [3, 3], [0, 3], [0, 0], [1, 1], [1, 2], [2, 2], [2, 1],
                    [1, 1]], float)
MIDDLES = np.stack([U, (U + np.roll(U, -1, axis=0)) / 2], axis=1).reshape(-1, 2)


@pytest.mark.parametrize('shape', [
    np.repeat(U, [1, 1, 2, 1, 1, 1, 1, 1], axis=0), np.concatenate([U, U[:1]]), MIDDLES, KEYHOLE,
    np.insert(U, 1, [[3, 0], [4, 0], [3, 0]], axis=0)],
    ids=['a corner twice', 'first is last', 'corners on sides', 'a hole', 'a spike'])
@pytest.mark.parametrize('R', ROTATIONS, ids=range(4))
def test_odd_polygons_cover_their_area(shape, R):
    vertices = np.column_stack((shape, np.zeros(len(shape)))) @ R.T
    found = np.linalg.norm(area_vectors(vertices, split_polygons([range(len(shape))], vertices)),
                           axis=1).sum()
    assert found == pytest.approx(area(shape))


def test_faces_of_all_sizes_keep_their_order_and_their_area():
    rng = np.random.default_rng(0)
    vertices = np.column_stack((rng.normal(size=(60, 2)), np.zeros(60)))
    polygons = [rng.choice(60, rng.integers(3, 6), replace=False) for _ in range(200)]
    whole = split_polygons(polygons, vertices)
    each = [split_polygons([polygon], vertices) for polygon in polygons]
    assert (whole == np.concatenate(each)).all()


@pytest.mark.parametrize(('corner', 'message'), [
    (1.5, 'whole number'), (np.nan, 'whole number'), (4, 'not finite'), (5, 'not finite')])
def test_corners_that_are_no_place_are_refused(corner, message):
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [np.nan, 0, 0],
                         [1e300, 0, 0]])
    with pytest.raises(ValueError, match=message):
        split_polygons([[0, 1, 2, corner]], vertices)


def test_concave_polygons_of_too_many_corners_are_refused():
    """Whose ears would take minutes; a convex one of as many is a fan."""
    angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    circle = np.column_stack((np.cos(angles), np.sin(angles), np.zeros(len(angles))))
    assert len(split_polygons([range(len(angles))], circle)) == len(angles) - 2
    with pytest.raises(ValueError, match='20000 corners'):
        split_polygons([range(len(angles))], circle * np.where(
            np.arange(len(angles)) % 2, 1, 0.5)[:, None])
