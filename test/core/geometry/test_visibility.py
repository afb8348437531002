"""Points of a cloud that are visible to a camera."""

import numpy as np
import pytest

from pointpng_core.geometry.clouds import (
    spacing_m,
)
from pointpng_core.geometry.clouds.visibility import visible_or_grazing_points, visible_points


def cloud(count=60, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32) * scale


def sphere(count=2000, seed=0):
    points = cloud(count, seed).astype(np.float64)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize('known', [True, False], ids=['normals', 'no normals'])
def test_the_cap_of_a_sphere_that_faces_the_camera_is_visible(known):
    points = sphere(6000)
    camera = np.array([0.0, 3.0, 4.0])
    seen = visible_points(points, camera, spacing_m=spacing_m(points) * 1.5,
                          normals=points if known else None)
    height = points @ camera / 5  # the horizon of a unit sphere seen from 5 lies at 1 / 5
    assert seen[height > 0.8].mean() > 0.99
    assert seen[height < -0.1].mean() < 0.01
    if known:
        assert not seen[height < 0.199].any()


def test_a_plate_hides_what_is_behind_it():
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60)), -1).reshape(-1, 2)
    front, back = np.c_[grid, np.full(3600, 0.5)], np.c_[0.5 * grid, np.full(3600, -0.5)]
    seen = visible_points(np.r_[front, back], np.array([0.0, 0, 6]), spacing_m=0.034)
    assert seen[:3600].all()
    assert not seen[3600:].any()
    assert visible_points(np.r_[front, back], np.array([0.0, 0, -6]), spacing_m=0.034)[3600:].all()


def test_a_grazing_wall_is_visible_and_what_it_occludes_is_not():
    """A box seen over its edge: the top and the long side under slants, the rest hidden."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 81), np.linspace(-1, 1, 81)), -1).reshape(-1, 2)
    side = np.full(len(grid), 1.0)
    faces = {'top': (np.c_[grid, side], (0, 0, 1)), 'wall': (np.c_[grid[:, 0], side, grid[:, 1]],
                                                            (0, 1, 0)),
             'bottom': (np.c_[grid, -side], (0, 0, -1))}
    points = np.vstack([face for face, _ in faces.values()])
    normals = np.repeat(np.array([normal for _, normal in faces.values()], float), len(grid), 0)
    slant = np.radians(60.0)
    camera = 8.0 * np.array([0.0, np.cos(slant), np.sin(slant)])
    either = normals * np.where(np.arange(len(points)) % 2, 1.0, -1.0)[:, None]
    shown = visible_or_grazing_points(points, camera, spacing_m=0.025, normals=either)
    top, wall, bottom = shown.reshape(3, -1).mean(axis=1)
    assert top > 0.99
    assert wall > 0.8
    assert bottom < 0.02
    sure = visible_points(points, camera, spacing_m=0.025, normals=normals)
    assert sure.reshape(3, -1).mean(axis=1)[1] < 0.4
