"""Depth images of organised clouds: the camera that took them, their edges, rows and pixels."""

from helpers.pixels import CAMERA, SIGMA_M, cloud_of, image_of, placed
import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt, distance_transform_edt
import torch

from pointpng_core.estimation.pixels import DepthView
from pointpng_core.estimation.pixels.depth_view import (
    LEAST_READINGS,
    fitted_camera,
)
from pointpng_core.geometry.depth_jumps import depth_edges
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.simulation.shapes.catalogue import make_object

SHAPE = CAMERA.height, CAMERA.width
ODD = PinholeCamera(width=90, height=70, fx=130.0, fy=111.0, cx=12.0, cy=60.0)


@pytest.fixture(scope='module')
def cloud():
    """Points (H * W, 3) of a mug before a wall, with noise."""
    return cloud_of(image_of((make_object('mug').mesh, placed())), noise_m=SIGMA_M)


def rough(camera, seed=0):
    """Points (H * W, 3) at random depths, with holes."""
    rng = np.random.default_rng(seed)
    depth_m = rng.uniform(0.4, 2.0, (camera.height, camera.width)).astype(np.float32)
    depth_m[rng.random(depth_m.shape) < 0.3] = np.nan
    return camera.backproject(depth_m).reshape(-1, 3)


@pytest.mark.parametrize('camera', [CAMERA.pinhole, ODD], ids=['centred', 'cropped'])
def test_a_pinhole_camera_is_recovered_whatever_it_sees(camera):
    focal, principal = fitted_camera(rough(camera), (camera.height, camera.width))
    np.testing.assert_allclose(focal, (camera.fx, camera.fy), rtol=1e-4)
    np.testing.assert_allclose(principal, (camera.cx, camera.cy), atol=0.01)


def flattened(points):
    """Columns and rows as coordinates: an orthographic camera."""
    rows, columns = np.divmod(np.arange(len(points)), SHAPE[1])
    return np.column_stack((0.001 * columns, 0.001 * rows, points[:, 2]))


def bent(points):
    """A strong radial distortion."""
    plane = points[:, :2] / points[:, 2:]
    square = (plane ** 2).sum(axis=1, keepdims=True)
    return np.column_stack((points[:, :2] * (1 + 0.3 * square), points[:, 2]))


def few(points):
    """All but a few readings lost."""
    lost = points.copy()
    lost[LEAST_READINGS - 1:] = np.nan
    return lost


@pytest.mark.parametrize('change', [
    lambda points: np.random.default_rng(0).permutation(points), flattened, bent, few,
    lambda points: points * [-1, 1, 1], lambda points: points * [1, 1, -1],
    lambda points: np.full_like(points, np.nan), np.ones_like],
    ids=['shuffled', 'orthographic', 'distorted', 'few', 'mirrored', 'behind', 'empty', 'a point'])
def test_clouds_that_no_pinhole_camera_took_have_no_view(cloud, change):
    changed = change(cloud)
    assert fitted_camera(changed, SHAPE) is None
    assert DepthView.of(changed, SHAPE, np.full(len(cloud), SIGMA_M)) is None


def naive_edges(depth_m, step_m):
    """Pixel by pixel; a step counts by the tolerance of its right or lower pixel."""
    edge = np.zeros(depth_m.shape, dtype=bool)
    height, width = depth_m.shape
    for row in range(height):
        for column in range(width):
            for other in ((row - 1, column), (row, column - 1)):
                if min(other) < 0:
                    continue
                step = abs(depth_m[row, column] - depth_m[other])
                if not step <= step_m[row, column]:
                    edge[row, column] = edge[other] = True
    return edge


@pytest.mark.parametrize('seed', range(3))
def test_edges_are_those_of_a_naive_search(seed):
    rng = np.random.default_rng(seed)
    depth_m = rng.choice([0.5, 0.51, 0.9, np.nan], (17, 23), p=[0.5, 0.4, 0.05, 0.05])
    step_m = rng.choice([0.005, 0.02, 1.0], depth_m.shape)
    expected = naive_edges(depth_m, step_m)
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(depth_edges(depth_m, step_m), expected)


def test_every_point_projects_to_its_own_row(cloud):
    view = DepthView.of(cloud, SHAPE, np.full(len(cloud), SIGMA_M))
    rows, inside = view.rows_of(view.project(view.points))
    np.testing.assert_array_equal(rows.numpy(), np.arange(len(cloud)))
    assert inside.all()
    outside = torch.tensor([[-0.6, 3.0], [3.0, -0.6], [SHAPE[1] - 0.4, 3.0], [3.0, SHAPE[0]]])
    rows, inside = view.rows_of(outside)
    assert not inside.any()
    assert ((rows >= 0) & (rows < len(cloud))).all()


def test_edges_surround_an_object_and_leave_its_middle_alone(cloud):
    image = image_of((make_object('mug').mesh, placed()))
    view = DepthView.of(cloud, SHAPE, np.full(len(cloud), SIGMA_M))
    edge, near_edge = (flags.numpy().reshape(SHAPE) for flags in (view.edge, view.near_edge))
    jumps = naive_edges(image.depth_m, np.full(SHAPE, 0.1))
    assert edge[jumps].all()
    np.testing.assert_array_equal(near_edge, distance_transform_cdt(
        ~edge, metric='chessboard') <= 2)
    wall = (image.owner < 0) & (distance_transform_edt(~jumps) > 4)
    assert edge[wall].mean() < 0.001
    assert near_edge[wall].mean() < 0.003


def test_a_view_of_a_noisier_camera_differs_in_its_noise_only(cloud):
    view = DepthView.of(cloud, SHAPE, np.full(len(cloud), SIGMA_M))
    noisier = view.with_sigmas(2.5)
    np.testing.assert_allclose(noisier.sigma_m, 2.5 * SIGMA_M, rtol=1e-6)
    for name in ('points', 'edge', 'near_edge', 'focal', 'principal'):
        assert getattr(noisier, name) is getattr(view, name)


def test_a_noise_that_is_not_known_makes_no_pixel_sure(cloud):
    sigma_m = np.full(len(cloud), SIGMA_M)
    sigma_m[5] = np.nan
    view = DepthView.of(cloud, SHAPE, sigma_m)
    assert torch.isfinite(view.sigma_m).all()
    assert view.sigma_m[5] >= 1.0
