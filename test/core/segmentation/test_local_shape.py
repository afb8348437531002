"""Voxels, normals, bends, parts and contacts against naive twins and known shapes."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.segmentation.contacts import Ground, find_contacts
from pointpng_core.segmentation.local_shape import describe_surface, gather_voxels, smallest_axes
from pointpng_core.segmentation.oversegmentation import cut_parts, link_voxels

CONFIG = SegmenterConfig()
STEP_M = 0.005


def bent_sheet(bend_deg, *, length_m=0.12):
    """Two half planes 0.8 m before the camera that meet along y; concave for bend_deg > 0."""
    along = np.arange(-length_m / 2, length_m / 2, STEP_M)
    across = np.arange(STEP_M / 2, 0.08, STEP_M)
    half = np.radians(bend_deg) / 2
    sides = [np.stack(np.meshgrid(side * across * np.cos(half), along), axis=-1).reshape(-1, 2)
             for side in (-1, 1)]
    flat = np.concatenate(sides)
    depth = 0.8 - np.abs(flat[:, 0]) * np.tan(half)
    return np.column_stack([flat, depth])


@pytest.mark.parametrize('bend_deg', [-90, -45, 0, 45, 90])
def test_the_bend_of_a_crease_is_measured_with_its_sign(bend_deg):
    points = bent_sheet(bend_deg)
    surface = describe_surface(points, config=CONFIG)
    inner = np.abs(points[:, 1]) < 0.03
    crease = inner & (np.abs(points[:, 0]) < 0.6 * STEP_M)
    beside = inner & (np.abs(points[:, 0]) > 0.025) & (np.abs(points[:, 0]) < 0.04)
    # the outermost voxels of a sampled disc are missing, so it comes out a little flat
    assert np.degrees(np.median(surface.bend_rad[crease])) == pytest.approx(bend_deg, rel=0.3)
    assert np.abs(np.degrees(surface.bend_rad[beside])).max() < 5


def test_noise_on_a_flat_sheet_is_no_crease():
    points = bent_sheet(0)
    points[:, 2] += np.random.default_rng(0).normal(0, 0.0015, len(points))
    surface = describe_surface(points, config=CONFIG)
    assert np.degrees(surface.bend_rad).max() < CONFIG.min_crease_deg
    assert len(np.unique(cut_parts(surface, config=CONFIG))) == 1


@pytest.mark.parametrize(('bend_deg', 'parts'), [(90, 2), (-90, 1), (25, 1)])
def test_only_concave_creases_are_cut(bend_deg, parts):
    surface = describe_surface(bent_sheet(bend_deg), config=CONFIG)
    assert len(np.unique(link_voxels(surface))) == 1
    assert len(np.unique(cut_parts(surface, config=CONFIG))) == parts


def test_a_contact_has_the_length_the_height_and_the_bend_of_its_crease():
    points = bent_sheet(90, length_m=0.12)
    surface = describe_surface(points, config=CONFIG)
    labels = (points[:, 0] > 0).astype(np.int64)
    up = np.tile(np.array([-1.0, 0, -1.0]) / np.sqrt(2), (len(points), 1))
    ground = Ground(up=up, heights_m=points[:, 1] + 1.0, outside_m=np.full(len(points), -1.0))
    contact, = find_contacts(surface, labels, ground)
    assert contact.parts == (0, 1)
    assert contact.length_m == pytest.approx(0.12, abs=0.01)
    assert contact.height_m == pytest.approx(1.0, abs=0.005)
    assert np.degrees(contact.bend_rad) == pytest.approx(90, rel=0.3)
    assert contact.upper == int(contact.upward[0] > contact.upward[1])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_smallest_axes_agree_with_eigh(seed):
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(50, 8, 3)) * [0.02, 0.01, 0.001] @ np.linalg.qr(
        rng.normal(size=(3, 3)))[0]
    matrices = np.einsum('nki,nkj->nij', samples, samples)
    upper = matrices[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]].T
    expected = np.linalg.eigh(matrices)[1][:, :, 0]
    cosines = np.abs(np.einsum('ni,ni->n', smallest_axes(upper), expected))
    np.testing.assert_allclose(cosines, 1.0, atol=1e-6)


def test_smallest_axes_of_degenerate_matrices_are_finite():
    matrices = np.array([[0.0] * 6, [1, 0, 0, 1, 0, 1], [1, 0, 0, 0, 0, 0]]).T
    assert np.isfinite(smallest_axes(matrices)).all()


def test_voxels_agree_with_a_dictionary():
    points = np.random.default_rng(0).uniform(-0.05, 0.05, (500, 3))
    voxels = gather_voxels(points, 0.02)
    cells = {}
    for row, cell in enumerate(map(tuple, np.floor(points / 0.02).astype(int))):
        cells.setdefault(cell, []).append(row)
    assert len(voxels.centroids) == len(cells)
    for rows in cells.values():
        owner, = set(voxels.of_point[rows])
        np.testing.assert_allclose(voxels.centroids[owner], points[rows].mean(axis=0))
