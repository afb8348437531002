"""Rounded motions become the exact group near them; what is no symmetry is left out, and named."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.geometry import CONTINUOUS, Rotational
from pointpng_core.geometry.symmetry_fitting import fit_symmetry

SIZE_M = 0.1
CENTRE = np.array([0.01, -0.02, 0.03])
FRAME = Rotation.from_rotvec([0.4, 0.9, -0.3]).as_matrix()


def about(R, centre=CENTRE):
    T = np.tile(np.eye(4), (*R.shape[:-2], 1, 1))
    T[..., :3, :3], T[..., :3, 3] = R, centre - R @ centre
    return T


def motions(name, noise_rad=0.0):
    """Return all motions but the identity of a group of rotations, in an oblique frame."""
    R = Rotation.create_group(name)
    R = R[R.magnitude() > 1e-6].as_matrix()
    rng = np.random.default_rng(1)
    noise = Rotation.from_rotvec(noise_rad * rng.uniform(-1, 1, (len(R), 3))).as_matrix()
    return about(FRAME @ R @ noise @ FRAME.T)


def largest_gap(a, b):
    """Return how far the motions of one set are from the nearest of the other, both ways."""
    gaps = np.abs(a[:, None] - b[None]).max(axis=(2, 3))
    return max(gaps.min(axis=0).max(), gaps.min(axis=1).max())


@pytest.mark.parametrize('name', ['C2', 'C3', 'C12', 'D2', 'D5', 'T', 'O', 'I'])
def test_a_group_is_found_from_all_its_motions(name):
    given = motions(name)
    fitted = fit_symmetry(given, (), size_m=SIZE_M)
    expected = np.concatenate([np.eye(4)[None], given])
    assert fitted.notes == ()
    assert len(fitted.symmetry.transforms()) == len(expected)
    assert largest_gap(fitted.symmetry.transforms(), expected) < 1e-9


@pytest.mark.parametrize('name', ['C2', 'C6', 'D2', 'D4', 'O'])
def test_motions_off_by_half_a_degree_become_a_group(name):
    fitted = fit_symmetry(motions(name, noise_rad=np.radians(0.5)), (), size_m=SIZE_M)
    exact = np.concatenate([np.eye(4)[None], motions(name)])
    assert fitted.notes == ()
    assert len(fitted.symmetry.transforms()) == len(exact)
    assert largest_gap(fitted.symmetry.transforms()[:, :3, :3], exact[:, :3, :3]) < np.radians(1)


def test_motions_that_follow_are_added_with_a_note():
    quarter = about(Rotation.from_rotvec([0, 0, np.pi / 2]).as_matrix())
    fitted = fit_symmetry(quarter[None], (), size_m=SIZE_M)
    (element,) = fitted.symmetry.elements
    assert (element.axis, element.order) == ((0, 0, 1), 4)
    np.testing.assert_allclose(element.point[:2], CENTRE[:2], atol=1e-12)
    assert fitted.notes == (
        '1 of the 3 motions of the group are given; the others follow from them',)


def test_without_motions_there_is_no_symmetry():
    for given in (np.empty((0, 4, 4)), np.eye(4)[None]):
        fitted = fit_symmetry(given, (), size_m=SIZE_M)
        assert fitted.symmetry.elements == ()
        assert fitted.notes == ()


def slid(T, shift):
    T = T.copy()
    T[:3, 3] += shift
    return T


HALF_Z = about(np.diag([-1.0, -1, 1]))
HALF_X = about(np.diag([1.0, -1, -1]))
NO_SYMMETRIES = [
    (about(np.diag([-1.0, 1, 1])), 'reflection'),
    (slid(HALF_Z, [0, 0, 0.02]), 'shifts the object by 20 mm'),
    (slid(np.eye(4), [0.03, 0, 0]), 'shifts the object by 30 mm'),
    (about(Rotation.from_rotvec([1.0, 0.3, 0.8]).as_matrix()), 'no finite group'),
    (about(np.diag([1.0, -1, -1]), CENTRE + np.array([0, 0.03, 0])), 'no finite group'),
]


@pytest.mark.parametrize(('motion', 'word'), NO_SYMMETRIES)
def test_what_is_no_symmetry_is_left_out_and_named(motion, word):
    fitted = fit_symmetry(np.stack([HALF_Z, motion]), (), size_m=SIZE_M)
    (note,) = fitted.notes
    assert word in note
    assert largest_gap(fitted.symmetry.transforms(), np.stack([np.eye(4), HALF_Z])) < 1e-9


def axis(direction=(0, 0, 1), point=CENTRE):
    return Rotational.through(point, direction, order=CONTINUOUS)


def test_a_continuous_axis_with_a_flip_is_a_cylinder():
    oblique = about(Rotation.from_rotvec(np.pi * np.array([0.6, 0.8, 0])).as_matrix(),
                    CENTRE + np.array([0, 0, 0.005]))
    fitted = fit_symmetry(np.stack([oblique, HALF_Z]), [axis()], size_m=SIZE_M)
    assert fitted.symmetry.kind == 'axial'
    assert fitted.notes == ()
    flips = [T for T in fitted.symmetry.transforms(steps=1) if T[2, 2] < 0]
    (flip,) = flips
    assert (flip @ [*CENTRE, 1])[2] == pytest.approx(CENTRE[2] + 0.01)  # about 5 mm above it
    assert fitted.symmetry.rotation_error_rad(np.eye(3), oblique[:3, :3]) < 1e-6


def test_a_continuous_axis_alone_and_two_of_one_line():
    for axes in ([axis()], [axis(), axis((0, 0, -1))]):
        fitted = fit_symmetry(np.empty((0, 4, 4)), axes, size_m=SIZE_M)
        assert fitted.symmetry.kind == 'axial'
        assert len(fitted.symmetry.transforms(steps=8)) == 8


def test_two_continuous_axes_are_a_sphere():
    fitted = fit_symmetry(HALF_X[None], [axis(), axis((1, 0, 0))], size_m=SIZE_M)
    assert fitted.symmetry.kind == 'spherical'
    np.testing.assert_allclose(fitted.symmetry.free_axes()[0][0], CENTRE)


@pytest.mark.parametrize('motion', [
    about(Rotation.from_rotvec([0.5, 0, 0]).as_matrix()),
    about(np.diag([1.0, -1, -1]), CENTRE + np.array([0, 0.02, 0]))])
def test_motions_that_move_the_continuous_axis_are_left_out(motion):
    fitted = fit_symmetry(motion[None], [axis()], size_m=SIZE_M)
    assert len(fitted.symmetry.elements) == 1
    assert fitted.notes == ('a motion does not keep the continuous axis in its place: left out',)
