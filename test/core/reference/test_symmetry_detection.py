"""Symmetries found in surfaces: the spectrum, self-registration, and known solids."""

import os
from pathlib import Path

from helpers.objects import pose, random_rotation_matrix
from helpers.solids import SIGNS, SOLIDS, axes_of, hull
import numpy as np
import open3d as o3d
import pytest
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.embedding.cope.wigner import WignerCope
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.geometry.clouds import diameter_m, estimate_normals, spacing_m
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.reference.symmetry_detection.axis_spectrum import AxisSpectrum
from pointpng_core.reference.symmetry_detection.detection import (
    CORNERS_RAD,
    _snapped,
    discover_symmetry,
)
from pointpng_core.reference.symmetry_detection.self_registration import SelfSurface
from pointpng_core.simulation.shapes.catalogue import make_object, object_names
from pointpng_core.simulation.shapes.primitives import box, cylinder
from pointpng_core.simulation.shapes.solids import polygonise
from pointpng_core.training.data.random_solids import KINDS, random_solid

DATA = Path(os.environ.get('POINTPNG_DATA', Path(__file__).parents[4] / 'shared' / 'data'))
ROTATION_RAD, SHIFT = np.radians(2.0), 0.01
"""Accuracy of detected rotations; shifts in diameters."""


def discover(mesh, T=None, *, count=6000, seed=0):
    """The symmetry of a mesh moved by T (4, 4), from samples."""
    points, normals = sample_surface(mesh, count, seed=seed)
    T = pose() if T is None else T
    points = (points @ T[:3, :3].T + T[:3, 3]).astype(np.float32)
    return discover_symmetry(points, normals @ T[:3, :3].T, diameter_m=diameter_m(points),
                             spacing_m=spacing_m(points))


def moved(symmetry, T):
    """The symmetry of an object moved by T (4, 4)."""
    return Symmetry(elements=tuple(
        Rotational.through(T[:3, :3] @ e.point + T[:3, 3], T[:3, :3] @ e.axis, order=e.order)
        for e in symmetry.elements))


def assert_equal(found, true, *, size, about):
    """Every motion of either group is one of the other, but for small errors."""
    assert (found.kind, len(found.transforms())) == (true.kind, len(true.transforms()))
    for one, other in ((found, true), (true, found)):
        for g in one.transforms(steps=7):
            assert other.same(np.eye(4), g, rotation_rad=ROTATION_RAD, shift_m=SHIFT * size,
                              about=about)


def test_energies_by_order_give_the_score_of_every_rotation():
    points = sample_surface(make_object('mug').mesh, 500)[0]
    points = (points - points.mean(axis=0)) / diameter_m(points)
    spectrum, encoder = AxisSpectrum(points), HarmonicEncoder()
    z = encoder.encode(torch.from_numpy(points)[None])[0]
    cope = WignerCope(encoder.multiplicities)
    for axis, energies in list(zip(spectrum.axes, spectrum.energies))[::97]:
        for angle in (0.3, 1.7, np.pi):
            R = torch.from_numpy(Rotation.from_rotvec(angle * axis).as_matrix()).float()
            naive = float(cope.theta(R) @ z @ z)
            assert energies @ np.cos(angle * np.arange(len(energies))) == pytest.approx(
                naive, abs=1e-4)
        assert spectrum.invariant_share(2).max() <= 1 + 1e-9


def test_peaks_lie_apart_across_and_above_the_least():
    spectrum = AxisSpectrum(sample_surface(hull(SIGNS * 0.3), 3000)[0])
    up = np.array([0.0, 0, 1])
    fourfold = spectrum.peaks(4, count=5, least=0.95)
    assert len(fourfold) == 3
    assert all(np.abs(axis).max() > np.cos(np.radians(4)) for axis in fourfold)
    across = spectrum.peaks(2, count=9, least=0.95, across=up)
    assert len(across) == 4
    assert all(abs(axis @ up) < 0.11 for axis in across)
    assert spectrum.peaks(4, count=5, least=1.1) == []


def surface_of(mesh, count=6000):
    points, normals = sample_surface(mesh, count)
    order = np.random.default_rng(0).permutation(count)
    points, normals = points[order], normals[order]
    return points, SelfSurface(points.astype(np.float64), normals.astype(np.float64),
                               spacing=spacing_m(points))


def test_residuals_agree_with_the_distance_to_the_mesh():
    mesh = hull(SIGNS * (0.2, 0.3, 0.35))
    points, surface = surface_of(mesh)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    for seed in range(3):
        T = pose(random_rotation_matrix(seed), (0.01, 0.0, 0.02))
        off, _ = surface.residuals(T, sample=1000)
        there = (points[:1000] @ T[:3, :3].T + T[:3, 3]).astype(np.float32)
        naive = scene.compute_distance(o3d.core.Tensor(there)).numpy()
        # Nothing within three spacings of a sample counts as off its plane.
        assert np.abs(off - naive).max() < 4 * spacing_m(points)
        assert np.quantile(np.abs(off - naive), 0.5) < 0.005
    off, angles = surface.residuals(np.eye(4), sample=1000)
    assert (off.max(), angles.max()) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-3))


def test_an_axis_is_refined_or_refused():
    _, surface = surface_of(hull(SIGNS * 0.3))
    for order in (2, 4, CONTINUOUS):
        off_axis = Rotation.from_euler('xy', (3, -3), degrees=True).apply((0.0, 0.0, 1.0))
        found = surface.refined(off_axis, order=order)
        assert np.degrees(np.arccos(found.axis[2])) < 0.3
        assert np.abs(found.point).max() < 0.003
        assert surface.unchanged_by(found.transform(np.pi / 2), tolerance=0.01)
        assert not surface.unchanged_by(found.transform(np.pi / 3), tolerance=0.025, rough=True)
    far = Rotation.from_euler('x', 20, degrees=True).apply((0.0, 0.0, 1.0))
    stuck = surface.refined(far, order=2)
    assert stuck is None or not surface.unchanged_by(stuck.transform(np.pi), tolerance=0.025)
    assert surface.refined(far, order=7) is None


@pytest.mark.parametrize('name', object_names())
def test_catalogue_objects_have_their_declared_symmetry(name):
    made = make_object(name)
    for seed in range(3):
        T = pose(random_rotation_matrix(seed) if seed else None,
                 3.0 * seed * np.array([0.3, -0.1, 0.2]))
        middle = T[:3, :3] @ made.mesh.vertices.mean(axis=0) + T[:3, 3]
        assert_equal(discover(made.mesh, T, seed=seed), moved(made.symmetry, T), size=0.2,
                     about=middle)


@pytest.mark.parametrize(('mesh', 'symmetry'), SOLIDS.values(), ids=SOLIDS)
def test_solids_have_the_symmetry_of_geometry_in_any_pose(mesh, symmetry):
    for seed in range(3):
        T = pose(random_rotation_matrix(seed), (0.4 * seed, -0.2, 0.1))
        middle = T[:3, :3] @ mesh.vertices.mean(axis=0) + T[:3, 3]
        assert_equal(discover(mesh, T, seed=seed), moved(symmetry, T), size=0.1, about=middle)


@pytest.mark.parametrize('kind', KINDS)
def test_detected_symmetry_rotates_with_random_solids(kind):
    for seed in range(2):
        mesh = polygonise(random_solid(kind, np.random.default_rng(seed)), voxel_m=0.003)
        T = pose(random_rotation_matrix(seed), (-1.0, 0.3, 2.0))
        still, rotated = discover(mesh), discover(mesh, T)
        middle = T[:3, :3] @ mesh.vertices.mean(axis=0) + T[:3, 3]
        assert_equal(rotated, moved(still, T), size=0.15, about=middle)
        assert still.kind == ('axial' if kind in ('random_cylinder', 'random_vase') else 'finite')
        if kind == 'random_compound':
            assert still == Symmetry()


@pytest.mark.parametrize(('first', 'second', 'degrees'), [
    (4, 3, 54.7), (3, 3, 70.6), (5, 5, 63.3), (5, 3, 37.5), (5, 3, 79.0), (4, 4, 91.0)])
def test_snapped_axes_make_a_finite_group_far_from_the_origin(first, second, degrees):
    other = Rotation.from_euler('y', degrees, degrees=True).apply((0, 0, 1))
    point = np.array([900.0, -400.0, 100.0])
    pair = _snapped(Rotational.through(point, (0, 0, 1), order=first),
                    Rotational.through(point + 0.01, other, order=second),
                    CORNERS_RAD[first, second])
    sizes = {(4, 3): 24, (4, 4): 24, (3, 3): 12, (5, 5): 60, (5, 3): 60}
    assert len(Symmetry(elements=pair).transforms()) == sizes[first, second]
    assert _snapped(*pair, ()) is None
    assert _snapped(*pair, (np.radians(degrees + 9),)) is None


@pytest.mark.parametrize('factor', [1e-3, 1000.0])
def test_the_unit_of_length_does_not_matter(factor):
    mesh, symmetry = SOLIDS['pyramid 4']
    scaled = TriangleMesh(vertices=(mesh.vertices * factor).astype(np.float32), faces=mesh.faces)
    assert_equal(discover(scaled), symmetry, size=0.1 * factor, about=(0, 0, 0))


def test_the_same_input_gives_the_same_answer():
    points, normals = sample_surface(make_object('can').mesh, 4000)
    first, second = (discover_symmetry(points, normals, diameter_m=0.13, spacing_m=0.001)
                     for _ in range(2))
    assert first == second


def bumped(height):
    """A can of 70 x 100 mm with a knob of 14 mm on its side, this high in metres."""
    knob = cylinder(0.007, 0.02, 0.035 + height).moved(
        pose(Rotation.from_euler('y', 90, degrees=True).as_matrix(), (0, 0, 0.06)))
    return polygonise(cylinder(0.035, 0.0, 0.1) | knob, voxel_m=0.0015)


def test_a_growing_bump_breaks_a_round_object_for_good():
    sizes = [len(discover(bumped(height)).transforms()) for height in
             (0.0, 0.0005, 0.002, 0.003, 0.004, 0.005, 0.008, 0.02)]
    assert sizes[:2] == [72, 72]
    assert sizes[-4:] == [1, 1, 1, 1]  # 4 mm are 3 % of the diameter
    assert sizes == sorted(sizes, reverse=True)


def test_a_growing_bump_leaves_a_cube_only_the_rotations_about_it():
    cube = box((-0.03, -0.03, -0.03), (0.03, 0.03, 0.03))
    knob = cylinder(0.008, 0.0, 0.038)
    assert_equal(discover(polygonise(cube | knob)), axes_of(((0, 0, 1), 4)), size=0.1,
                 about=(0, 0, 0))


@pytest.mark.parametrize('ratio', [1.15, 1.4])
def test_nearly_round_is_not_round(ratio):
    mesh = polygonise(cylinder(0.03, -0.03, 0.03))
    oval = TriangleMesh(vertices=mesh.vertices * np.array([ratio, 1, 1], np.float32),
                        faces=mesh.faces)
    assert_equal(discover(oval), axes_of(((0, 0, 1), 2), ((1, 0, 0), 2)), size=0.1,
                 about=(0, 0, 0))


@pytest.mark.parametrize('name', ['can', 'bottle', 'box', 'mug', 'drill'])
def test_clouds_without_known_normals_do_as_well(name):
    made = make_object(name)
    points = sample_surface(made.mesh, 4000)[0]
    found = discover_symmetry(points, estimate_normals(points), diameter_m=diameter_m(points),
                              spacing_m=spacing_m(points))
    assert_equal(found, made.symmetry, size=0.2, about=made.mesh.vertices.mean(axis=0))


def test_what_is_sampled_too_coarsely_has_no_symmetry():
    assert discover(make_object('can').mesh, count=300) == Symmetry()


def test_flat_and_thin_clouds_are_no_trouble():
    flat = np.random.default_rng(0).uniform(-0.1, 0.1, (3000, 3)) * (1, 0.5, 0)
    line = flat * (1, 0, 0)
    for points in (flat, line):
        normals = np.tile([0.0, 0, 1], (len(points), 1))
        found = discover_symmetry(points, normals, diameter_m=diameter_m(points), spacing_m=1e-3)
        assert found.kind in ('finite', 'axial')


@pytest.mark.data
@pytest.mark.parametrize(('name', 'kind', 'size'), [
    ('002_master_chef_can', 'axial', 72), ('003_cracker_box', 'finite', 4),
    ('006_mustard_bottle', 'finite', 2), ('007_tuna_fish_can', 'axial', 36),
    ('019_pitcher_base', 'finite', 1), ('024_bowl', 'axial', 36), ('025_mug', 'finite', 1),
    ('029_plate', 'axial', 36), ('035_power_drill', 'finite', 1),
    ('040_large_marker', 'axial', 36), ('057_racquetball', 'spherical', 60),
    ('065-j_cups', 'axial', 36), ('077_rubiks_cube', 'finite', 24)])
def test_scans_of_real_objects(name, kind, size):
    """Objects on which the tolerances were chosen; the unseen third of YCB is not used."""
    path = DATA / 'ycb_meshes.npz'
    if not path.exists():
        pytest.skip(f'no {path}: set POINTPNG_DATA to the folder of the shared data sets')
    with np.load(path) as stored:
        mesh = TriangleMesh(vertices=stored[f'{name}/vertices'],
                            faces=stored[f'{name}/faces'].astype(np.int32))
    for seed in range(2):
        found = discover(mesh, pose(random_rotation_matrix(seed)), seed=seed)
        assert (found.kind, len(found.transforms())) == (kind, size)
