"""References: surfaces, rendered views, single views, and stacks of several."""

from helpers.objects import boxes, whole
from helpers.references import CountingBuilder, build, view_of_mug
import numpy as np
import open3d as o3d
import pytest
import torch

from pointpng_core.errors import CloudError
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.reference import ReferenceConfig
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.simulation.shapes.catalogue import make_object


def mesh_distance(mesh, points):
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    return scene.compute_distance(o3d.core.Tensor(points.astype(np.float32))).numpy()


def test_surface_points_lie_on_the_mesh_evenly_with_their_faces_normals():
    mesh = boxes(([0, 0, 0], [0.1, 0.2, 0.4]))
    points, normals = sample_surface(mesh, 8000)
    assert mesh_distance(mesh, points).max() < 1e-6
    # areas of the sides: 0.08, 0.04 and 0.02 m2, twice each
    for axis, share in enumerate((0.08, 0.04, 0.02)):
        for sign in (-1, 1):
            on_side = normals[:, axis] == sign
            assert on_side.mean() == pytest.approx(share / 0.28, abs=0.003)
            assert np.ptp(points[on_side, axis]) < 1e-6
    outer = points + 0.01 * normals
    assert ((outer < 0) | (outer > [0.1, 0.2, 0.4])).any(axis=1).all()


def test_a_mesh_without_area_is_refused():
    flat = TriangleMesh(vertices=np.zeros((3, 3), np.float32),
                        faces=np.array([[0, 1, 2]], np.int32))
    with pytest.raises(CloudError, match='no surface area'):
        build(flat)


@pytest.mark.parametrize('offset', [0.0, 5.0])
def test_a_model_off_its_origin_is_described_about_its_centre(offset):
    mesh = boxes(([offset, -offset, 2 * offset], [offset + 0.1, 0.2 - offset, 0.4 + 2 * offset]))
    reference = build(mesh)
    assert reference.complete
    assert reference.diameter_m == pytest.approx(np.linalg.norm([0.1, 0.2, 0.4]), rel=0.05)
    middle = np.add([0.05, 0.1, 0.2], [offset, -offset, 2 * offset])
    assert np.abs(reference.centre - middle).max() < 0.01
    assert mesh_distance(mesh, reference.points).max() < 1e-5
    assert reference.probes.norm(dim=1).max() < reference.diameter_m
    assert reference.views.centroids.norm(dim=1).max() < reference.diameter_m


def test_views_face_their_visible_points():
    views = build(make_object('mug').mesh).views
    centroids = views.centroids[:len(views.directions)]
    camera = views.directions * 4 * 0.127 - centroids
    towards = torch.nn.functional.normalize(camera, dim=1)[..., None]
    along = views.R_view_reference[:len(camera)] @ towards
    assert torch.allclose(along.squeeze(-1), torch.tensor([0.0, 0, 1]), atol=2e-2)
    assert torch.allclose(views.R_view_reference @ views.R_view_reference.transpose(1, 2),
                          torch.eye(3), atol=1e-5)
    assert torch.allclose(views.embeddings.norm(dim=1), torch.ones(len(views.embeddings)),
                          atol=1e-5)
    # What is seen lies on the camera's side of the middle.
    assert ((centroids * views.directions).sum(-1) > 0).float().mean() > 0.95
    assert 0.2 < views.visible.float().mean() < 0.7


def test_the_unit_of_a_model_only_scales_lengths():
    points = whole('mug', 1000)
    small, large = build(points), build(points * np.float32(10))
    for name in ('diameter_m', 'spacing_m'):
        assert getattr(large, name) == pytest.approx(10 * getattr(small, name), rel=1e-5)
    assert np.allclose(large.centre, 10 * small.centre, atol=1e-5)
    assert torch.allclose(large.embedding, small.embedding, atol=1e-4)
    assert torch.allclose(large.views.centroids, 10 * small.views.centroids, atol=1e-4)


def test_a_single_view_keeps_the_cameras_axes_about_its_centroid():
    points = view_of_mug()
    reference = CountingBuilder().from_view(points, name='x')
    assert not reference.complete
    assert np.abs(reference.points + points.mean(axis=0) - points).max() < 1e-6
    assert np.abs(reference.centre).max() < 1e-6
    # Normals and views face the camera, from which the points were seen.
    towards = -points.mean(axis=0) / np.linalg.norm(points.mean(axis=0))
    assert ((reference.normals * -points).sum(axis=1) > -1e-6).all()
    assert (reference.views.directions.numpy() @ towards > 0.7).all()


def test_non_finite_points_of_models_and_views_are_ignored():
    clean, points = view_of_mug(), view_of_mug()
    dirty = np.insert(points, [0, 50, 300], [np.nan, 0, np.inf], axis=0)
    builder = CountingBuilder()
    a, b = builder.from_view(clean, name='x'), builder.from_view(dirty, name='x')
    assert np.array_equal(a.points, b.points)
    assert torch.equal(a.embedding, b.embedding)


@pytest.mark.parametrize(('points', 'message'), [
    (np.zeros((100, 3)), 'all points coincide'), (np.full((100, 3), np.nan), '0 finite points'),
    (np.random.default_rng(0).normal(size=(20, 3)), '20 finite points of 20'),
    (np.zeros((0, 3)), '0 finite points'), (np.zeros((100, 4)), 'expected an')],
    ids=['one place', 'all NaN', 'few', 'empty', 'four columns'])
def test_clouds_that_are_no_surface_are_refused(points, message):
    with pytest.raises(CloudError, match=message):
        build(points)
    with pytest.raises(CloudError, match=message):
        CountingBuilder().from_view(points + 1, name='x')


def test_references_of_different_sizes_stack():
    builder = CountingBuilder()
    few = CountingBuilder(ReferenceConfig(surface_points=300, views=10, sample=64, probes=32))
    stack = ReferenceStack.of([
        builder.from_model(make_object('mug').mesh, name='a', symmetry=Symmetry()),
        builder.from_view(view_of_mug(), name='b'),
        few.from_model(whole('can', 300), name='c', symmetry=Symmetry())])
    assert stack.probes.shape == (3, 64, 3)
    assert stack.visible.shape == (3, 40, 64)
    # What is missing repeats the last view and the last probe: nothing new comes in.
    assert torch.equal(stack.directions[2, 10:], stack.directions[2, 9:10].expand(30, -1))
    assert torch.equal(stack.visible[2, 10:], stack.visible[2, 9:10].expand(30, -1))
    assert torch.equal(stack.probes[2, 32:], stack.probes[2, 31:32].expand(32, -1))
    assert stack.diameter[0] != stack.diameter[2]
