"""Drawn surfaces against ray casting: which points are seen, and how many pixels each is."""

from helpers.pixels import dense, image_of, placed, posed, view_of
import numpy as np
import open3d as o3d
import pytest
from scipy.ndimage import distance_transform_edt
import torch

from pointpng_core.estimation.pixels import PixelJudge
from pointpng_core.estimation.pixels.drawing import HIDDEN_M, LEAST_COSINE, draw
from pointpng_core.estimation.pixels.surface_samples import POINTS, SurfaceSamples
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = ('mug', 'drill', 'box', 'bracket')
CASES = [(name, seed) for name in NAMES for seed in (1, 2, 5)]


@pytest.fixture(scope='module')
def references():
    return [dense(make_object(name).mesh, name) for name in NAMES]


@pytest.fixture(scope='module')
def drawn(references):
    """A function from names and poses to their drawing."""
    samples, judge = SurfaceSamples.of(references), PixelJudge(references)
    view = view_of((make_object('mug').mesh, placed()))

    def of(*names_and_poses, every=1):
        poses = posed(judge, *names_and_poses)
        return draw(samples.every(every), poses.index, poses.T_camera_object, view)
    return of


def behind_m(points, name, T):
    """By how much points (n, 3) are behind the surface that a ray to each hits first: the twin."""
    mesh = make_object(name).mesh
    scene = o3d.t.geometry.RaycastingScene()
    vertices = mesh.vertices @ T[:3, :3].T + T[:3, 3]
    scene.add_triangles(o3d.core.Tensor(vertices.astype(np.float32)),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    rays = np.hstack((np.zeros_like(points), points)).astype(np.float32)
    hit = np.minimum(scene.cast_rays(o3d.core.Tensor(rays))['t_hit'].numpy(), 1.0)
    return (1 - hit) * np.linalg.norm(points, axis=1)


@pytest.mark.parametrize(('name', 'seed'), CASES)
def test_visible_points_are_those_that_rays_meet_first(drawn, name, seed):
    """But for some at steep faces: rather they than points that are hidden."""
    T = placed(seed)
    drawing = drawn((name, T))
    behind, visible = behind_m(drawing.points[0].numpy(), name, T), drawing.visible[0].numpy()
    facing = drawing.cosine[0].numpy() > LEAST_COSINE
    assert visible[facing & (behind < 0.001)].mean() > 0.85
    assert visible[(drawing.cosine[0].numpy() > 0.7) & (behind < 0.001)].mean() > 0.95
    assert (behind[visible] > 3 * HIDDEN_M).mean() < 0.03
    assert not visible[~facing].any()


@pytest.mark.parametrize(('name', 'seed'), CASES)
def test_all_weights_are_the_pixels_of_the_object(drawn, name, seed):
    T = placed(seed)
    pixels = (image_of((make_object(name).mesh, T)).owner == 0).sum()
    for every in (1, 2):
        weight = drawn((name, T), every=every).weight_px
        assert weight.sum().item() == pytest.approx(pixels, rel=0.15)
        assert (weight >= 0).all()


def test_weights_grow_as_an_object_comes_nearer(drawn):
    """With the square of the inverse distance, as its image does."""
    near, far = (drawn(('box', placed(1, (0.0, 0.0, z)))) for z in (0.5, 1.0))
    assert near.weight_px.sum() / far.weight_px.sum() == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize('name', NAMES)
def test_silhouettes_cover_the_object_and_little_beside_it(drawn, name):
    T = placed(3)
    drawing = drawn((name, T))
    owner = image_of((make_object(name).mesh, T)).owner
    rows, columns = np.indices(owner.shape)
    pixels = torch.from_numpy(np.stack((columns, rows), axis=-1).reshape(1, -1, 2)).float()
    covered = drawing.covers(torch.tensor([0]), pixels).numpy().reshape(owner.shape)
    assert covered[owner == 0].mean() > 0.995
    beside_px = distance_transform_edt(owner != 0)
    assert not covered[beside_px > 3 * drawing.cell_px.item() + 1].any()


def test_a_drawing_does_not_depend_on_those_drawn_with_it(drawn):
    poses = [(name, placed(seed)) for seed, name in enumerate(NAMES)]
    whole, backwards = drawn(*poses), drawn(*poses[::-1])
    for row, pose in enumerate(poses):
        alone = drawn(pose)
        for name in ('visible', 'weight_px', 'row', 'nearest'):
            own = getattr(alone, name)[0]
            torch.testing.assert_close(getattr(whole, name)[row], own, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(getattr(backwards, name)[3 - row], own, rtol=1e-4,
                                       atol=1e-4)


def test_what_is_outside_the_image_or_behind_the_camera_is_not_visible(drawn):
    for t in ((3.0, 0.0, 0.6), (0.0, -2.0, 0.6), (0.0, 0.0, -0.6)):
        drawing = drawn(('box', placed(1, t)))
        assert not drawing.visible.any()
        assert not drawing.weight_px.any()
    assert 0 < drawn(('box', placed(1, (0.36, 0.0, 0.6)))).visible.float().mean() < drawn(
        ('box', placed(1, (0.0, 0.0, 0.6)))).visible.float().mean()


def test_surfaces_with_few_points_are_filled_up_with_points_that_do_not_count(references):
    small = SurfaceSamples.of([references[0]])
    assert small.points.shape == (1, POINTS, 3)
    assert small.counts.all()
    sparse = dense(make_object('mug').mesh, points=300)
    both = SurfaceSamples.of([references[0], sparse])
    assert both.counts.sum(1).tolist() == [POINTS, len(sparse.points)]
    judge, view = PixelJudge([sparse]), view_of((make_object('mug').mesh, placed()))
    own = posed(judge, ('x', placed()))
    alone = draw(SurfaceSamples.of([sparse]), own.index, own.T_camera_object, view)
    beside = draw(both, own.index + 1, own.T_camera_object, view)
    assert beside.weight_px.sum().item() == pytest.approx(alone.weight_px.sum().item(), rel=1e-4)


@pytest.mark.parametrize('name', NAMES)
def test_the_area_of_a_point_is_its_share_of_the_mesh(references, name):
    mesh = make_object(name).mesh
    first, second, third = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    area = 0.5 * np.linalg.norm(np.cross(second - first, third - first), axis=1).sum()
    reference = references[NAMES.index(name)]
    assert reference.point_area_m2 * len(reference.points) == pytest.approx(area, rel=0.1)
    samples = SurfaceSamples.of(references)
    drawn = samples.counts[NAMES.index(name)].sum().item()
    assert samples.area_m2[NAMES.index(name)].item() * drawn == pytest.approx(area, rel=0.1)
