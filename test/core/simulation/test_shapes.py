"""The procedural objects: closed, realistic, stable at rest, as symmetric as they claim."""

import numpy as np
import open3d as o3d
import pytest
from scipy.spatial import ConvexHull, Delaunay, QhullError, cKDTree
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.simulation.shapes.catalogue import make_object, object_names
from pointpng_core.simulation.shapes.primitives import (
    box,
    cylinder,
    extrude,
    lathe,
    polygon_distance,
    tube,
)
from pointpng_core.simulation.shapes.solids import polygonise, signed_volume_m3

NAMES = object_names()


def legacy(mesh):
    return o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(mesh.vertices.astype(float)),
                                     o3d.utility.Vector3iVector(mesh.faces))


def samples(mesh, count=20_000):
    o3d.utility.random.seed(0)
    return np.asarray(legacy(mesh).sample_points_uniformly(count).points)


def distances_to(mesh, points):
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(legacy(mesh)))
    return scene.compute_distance(o3d.core.Tensor(points.astype(np.float32))).numpy()


@pytest.mark.parametrize('name', NAMES)
def test_surface_is_one_closed_piece_with_outward_normals(name):
    mesh = make_object(name).mesh
    surface = legacy(mesh)
    assert surface.is_edge_manifold(allow_boundary_edges=False)
    assert surface.is_orientable()
    assert signed_volume_m3(mesh) > 0
    assert np.asarray(surface.cluster_connected_triangles()[0]).max() == 0


@pytest.mark.parametrize('name', NAMES)
def test_size_is_that_of_objects_on_a_table(name):
    extent = np.ptp(make_object(name).mesh.vertices, axis=0)
    assert 0.06 <= extent.max() <= 0.255
    assert extent.min() >= 0.03


@pytest.mark.parametrize('name', NAMES)
def test_declared_symmetry_maps_the_surface_onto_itself(name):
    made = make_object(name)
    points = samples(made.mesh, 2000)
    for T in made.symmetry.transforms(steps=7):
        moved = points @ T[:3, :3].T + T[:3, 3]
        away = distances_to(made.mesh, moved)
        assert np.quantile(away, 0.99) < 5e-4
        assert away.max() < 1.5e-3          # sharp edges, cut by the mesher


@pytest.mark.parametrize('name', ['mug', 'drill', 'bracket', 'spray', 'hammer'])
def test_asymmetric_objects_have_no_undeclared_symmetry(name):
    """No rotation of 20 degrees or more about any axis leaves the surface as it is."""
    mesh = make_object(name).mesh
    assert not make_object(name).symmetry.elements
    points = samples(mesh, 4000)
    tree = cKDTree(points)
    centred = points - points.mean(axis=0)
    for R in Rotation.random(300, random_state=1):
        if R.magnitude() > np.radians(20):
            moved = R.apply(centred[::8]) + points.mean(axis=0)
            assert tree.query(moved)[0].max() > 0.008
    for axis in np.eye(3):
        for angle_deg in (90, 180, 270):
            moved = Rotation.from_rotvec(np.radians(angle_deg) * axis).apply(centred)
            assert distances_to(mesh, moved + points.mean(axis=0)).max() > 0.008


def centre_of_mass(mesh):
    a, b, c = mesh.vertices[mesh.faces].astype(np.float64).transpose(1, 0, 2)
    volumes = np.einsum('ij,ij->i', a, np.cross(b, c))
    return ((a + b + c) * volumes[:, None]).sum(axis=0) / (4 * volumes.sum())


@pytest.mark.parametrize(('name', 'rest'), [
    (name, rest) for name in NAMES for rest in range(len(make_object(name).rests))])
def test_objects_rest_stably(name, rest):
    """The centre of mass stands over the points that touch the table (or lie 2 mm above it)."""
    made = make_object(name)
    R = made.rests[rest]
    rotated = made.mesh.vertices @ R.T
    support = rotated[rotated[:, 2] < rotated[:, 2].min() + 0.002, :2]
    try:
        inside = Delaunay(support[ConvexHull(support).vertices]).find_simplex(
            (R @ centre_of_mass(made.mesh))[:2])
    except QhullError as error:
        pytest.fail(f'{name} touches the table in a line only: {error}')
    assert inside >= 0


def test_unknown_object_is_refused_with_the_choices():
    with pytest.raises(ConfigError, match=r"'teapot'.*mug"):
        make_object('teapot')


def test_polygon_distance_agrees_with_dense_outline():
    outline = [(0, 0), (2, 0), (2, 1), (1, 0.4), (0, 1)]
    points = np.random.default_rng(0).uniform(-1, 3, size=(300, 2))
    ends = np.roll(outline, -1, axis=0)
    dense = np.concatenate([np.linspace(a, b, 2000) for a, b in zip(outline, ends)])
    naive = np.linalg.norm(points[:, None] - dense[None], axis=2).min(axis=1)
    found = polygon_distance(points, outline)
    assert np.abs(np.abs(found) - naive).max() < 2e-3
    assert polygon_distance(np.array([[1.0, 0.2]]), outline)[0] < 0
    assert polygon_distance(np.array([[1.0, 0.6]]), outline)[0] > 0


@pytest.mark.parametrize(('solid', 'volume_m3'), [
    (cylinder(0.03, 0.0, 0.1), np.pi * 0.03**2 * 0.1),
    (lathe([(0.02, 0), (0.03, 0), (0.03, 0.05), (0.02, 0.05)]), np.pi * 5e-4 * 0.05),
    (box((0, 0, 0), (0.04, 0.06, 0.08), rounding_m=1e-6), 0.04 * 0.06 * 0.08),
    (extrude([(0, 0), (0.06, 0), (0, 0.06)], low_m=0, high_m=0.03), 0.0018 * 0.03),
    (tube([(0, 0, 0), (0.1, 0, 0)], 0.02), np.pi * 0.02**2 * (0.1 + 4 * 0.02 / 3)),
    (box((0, 0, 0), (0.05, 0.05, 0.05), rounding_m=1e-6)
     - box((0.01, 0.01, -0.01), (0.04, 0.04, 0.06), rounding_m=1e-6), 0.05**3 - 0.03**2 * 0.05),
])
def test_meshed_volume_is_that_of_the_formula(solid, volume_m3):
    assert signed_volume_m3(polygonise(solid)) == pytest.approx(volume_m3, rel=0.015)
