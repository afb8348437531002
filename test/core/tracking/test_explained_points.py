"""The points that lie on a pose: those that the exact distance from its mesh says."""

from helpers.objects import moved
from helpers.tracking import visible
import numpy as np
import open3d as o3d
import pytest

from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.tracking.association import surface_distances
from pointpng_core.tracking.explained_points import Foreground

SLACK_M = 0.0015
"""About the error of the approximate nearest discs that are looked up. It is larger at some points
between thin parts, hence the shares below."""


def cloud(seed):
    """Points on, near and far from a posed drill, and its pose."""
    T, points = visible('drill', seed)
    rng = np.random.default_rng(seed)
    near = points + rng.normal(size=points.shape).astype(np.float32) * np.float32(0.01)
    far = rng.uniform(-0.2, 0.2, points.shape).astype(np.float32) + T[:3, 3].astype(np.float32)
    return T, np.concatenate((points, near, far)).astype(np.float32)


def mesh_distances(points, T, name='drill'):
    """Exact distances (N,) from the mesh, the naive twin."""
    mesh = make_object(name).mesh
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices.astype(np.float32)),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    return scene.compute_distance(o3d.core.Tensor(moved(np.linalg.inv(T), points))).numpy()


def foreground(points, sigma_m=0.001):
    return Foreground(points=points, indices=np.arange(len(points)) * 3 + 7,
                      sigma_m=np.broadcast_to(np.float32(sigma_m), len(points)))


@pytest.mark.parametrize(('base_m', 'sigmas'), [(0.002, 3.0), (0.004, 0.0), (0.001, 12.0)])
@pytest.mark.parametrize('seed', [1, 2])
def test_points_on_a_pose_are_those_near_its_mesh(reference, seed, base_m, sigmas):
    T, points = cloud(seed)
    own = foreground(points)
    found = own.on_pose(T, reference('drill'), base_m=base_m, sigmas=sigmas)
    inside = np.isin(own.indices, found.indices)
    exact_m, reach_m = mesh_distances(points, T), base_m + sigmas * 0.001
    assert inside[exact_m < reach_m - SLACK_M].mean() > 0.98
    assert inside[exact_m > reach_m + SLACK_M].mean() < 0.005
    assert 0.1 < inside.mean() < 0.9
    assert np.array_equal(found.points, points[inside])
    assert np.array_equal(found.indices, own.indices[inside])


def test_measuring_no_point_outside_the_box_leaves_none_out(reference):
    T, points = cloud(2)
    distances_m = surface_distances(points, T, reference('drill'))
    for base_m, sigmas in ((0.002, 3.0), (0.001, 12.0)):
        expected = np.flatnonzero(distances_m < base_m + sigmas * 0.001)
        found = foreground(points).on_pose(T, reference('drill'), base_m=base_m, sigmas=sigmas)
        assert np.isin(expected, (found.indices - 7) // 3).mean() > 0.999
        assert np.isin((found.indices - 7) // 3, expected).all()


def test_the_reach_grows_with_the_noise_of_each_point(reference):
    T, points = cloud(3)
    sigma_m = np.where(np.arange(len(points)) % 2, 0.004, 0.0).astype(np.float32)
    mixed, quiet, loud = (
        set(foreground(points, sigma).on_pose(T, reference('drill'), base_m=0.002, sigmas=3.0
                                              ).indices.tolist())
        for sigma in (sigma_m, 0.0, 0.004))
    indices = foreground(points).indices
    assert mixed == quiet & set(indices[::2].tolist()) | loud & set(indices[1::2].tolist())
    assert quiet < mixed < loud


def test_a_pose_elsewhere_explains_nothing(reference):
    T, points = cloud(1)
    T_away = T.copy()
    T_away[:3, 3] += 2.0
    found = foreground(points).on_pose(T_away, reference('drill'), base_m=0.01, sigmas=3.0)
    assert found.points.shape == (0, 3)
    assert found.indices.shape == (0,)
