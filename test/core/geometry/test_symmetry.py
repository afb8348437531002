"""Symmetry groups: closed, and their exact errors agree with the smallest one over the group."""

import functools
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.geometry import Rotational, Symmetry

Z_ANY = Rotational(axis=(0, 0, 1), order=0, point=(0.02, 0.01, 0.0))
X_2 = Rotational(axis=(1, 0, 0), order=2, point=(0.02, 0.01, 0.06))
GROUPS = {
    'none': (Symmetry(), 1),
    'z4': (Symmetry(elements=(Rotational(axis=(0, 0, 2), order=4, point=(1, 2, 3)),)), 4),
    'd6': (Symmetry(elements=(Rotational(axis=(0, 0, 1), order=6),
                              Rotational(axis=(0, 1, 0), order=2))), 12),
    'cube': (Symmetry(elements=(Rotational(axis=(0, 0, 1), order=4),
                                Rotational(axis=(1, 0, 0), order=4))), 24),
    'bottle': (Symmetry(elements=(Z_ANY,)), 36),
    'can': (Symmetry(elements=(Z_ANY, X_2)), 72),
    'ball': (Symmetry(elements=(Z_ANY, Rotational(axis=(1, 1, 0), order=0,
                                                  point=(0.02, 0.01, 0.0)))), 60),
}
cases = pytest.mark.parametrize(('symmetry', 'size'), GROUPS.values(), ids=GROUPS)
seeds = st.integers(0, 2**32 - 1)


def pose(seed):
    rng = np.random.default_rng(seed)
    T = np.eye(4)
    T[:3, :3] = Rotation.random(rng=rng).as_matrix()
    T[:3, 3] = rng.normal(size=3)
    return T


def angle(R_a, R_b):
    return Rotation.from_matrix(R_a.T @ R_b).magnitude()


def angles(R_many, R_b):
    return Rotation.from_matrix(np.linalg.inv(R_many) @ R_b).magnitude()


@cases
def test_group_is_closed_has_inverses_and_starts_with_the_identity(symmetry, size):
    group = symmetry.transforms()
    assert group.shape == (size, 4, 4)
    np.testing.assert_allclose(group[0], np.eye(4), atol=1e-12)
    products = (group[:, None] @ group[None]).reshape(-1, 4, 4)
    for T in itertools.chain(products, np.linalg.inv(group)):
        assert np.abs(group - T).max(axis=(1, 2)).min() < 1e-6
    distances = np.abs(group[:, None] - group[None]).max(axis=(2, 3))
    assert (distances + np.eye(size) > 1e-3).all()


@cases
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_members_of_the_group_count_as_no_error(symmetry, size, seed):
    T = pose(seed)
    for g in symmetry.transforms(steps=12)[:40]:
        assert symmetry.rotation_error_rad((T @ g)[:3, :3], T[:3, :3]) < 1e-6
        assert symmetry.translation_error_m(T @ g, T) < 1e-6


@cases
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_rotation_error_is_the_smallest_over_the_sampled_group(symmetry, size, seed):
    R_a, R_b = pose(seed)[:3, :3], pose(seed + 1)[:3, :3]
    steps = 720
    sampled = min(angle(R_a @ g[:3, :3], R_b) for g in symmetry.transforms(steps=steps))
    exact = symmetry.rotation_error_rad(R_a, R_b)
    assert exact <= sampled + 1e-9
    if symmetry.kind != 'spherical':  # its sixty samples are far apart
        assert sampled - exact <= np.pi / steps + 1e-9
    assert exact == pytest.approx(symmetry.rotation_error_rad(R_b, R_a), abs=1e-6)


@given(seed=seeds, degrees=st.floats(0, 179))
@settings(max_examples=50, deadline=None)
def test_error_about_a_continuous_axis_is_the_tilt_of_that_axis(seed, degrees):
    T = pose(seed)
    tilt = Rotation.from_rotvec(np.radians(degrees) * np.array([1.0, 0.0, 0.0])).as_matrix()
    spin = Rotation.from_euler('z', 1.234).as_matrix()
    error = GROUPS['bottle'][0].rotation_error_rad(T[:3, :3] @ tilt @ spin, T[:3, :3])
    assert np.degrees(error) == pytest.approx(degrees, abs=1e-5)


@functools.cache
def dense(symmetry):
    """Many members of a group, a sphere's at random."""
    if symmetry.kind != 'spherical':
        return symmetry.transforms(steps=360)
    (centre,) = {e.point for e in symmetry.elements}
    rotvecs = Rotation.random(720, random_state=0).as_rotvec()
    return np.stack([Rotational.through(centre, v, order=0).transform(np.linalg.norm(v))
                     for v in rotvecs])


@cases
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_the_nearest_member_is_one_of_the_group_with_the_least_rotation(symmetry, size, seed):
    T_a, T_b = pose(seed), pose(seed + 1)
    g = symmetry.nearest(T_a, T_b)
    assert symmetry.rotation_error_rad(g[:3, :3], np.eye(3)) < 1e-6
    assert symmetry.translation_error_m(g, np.eye(4)) < 1e-6
    least = angles((T_a @ dense(symmetry))[:, :3, :3], T_b[:3, :3]).min()
    assert angle((T_a @ g)[:3, :3], T_b[:3, :3]) <= least + 1e-9


@cases
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_the_nearest_member_undoes_any_motion_of_the_group(symmetry, size, seed):
    T = pose(seed)
    members = dense(symmetry)
    for h in members[seed % 97::97]:
        np.testing.assert_allclose(T @ h @ symmetry.nearest(T @ h, T), T, atol=1e-6)


@cases
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_same_agrees_with_trying_every_member(symmetry, size, seed):
    rng = np.random.default_rng(seed)
    members, T = dense(symmetry), pose(seed)
    # A point that all motions keep where it is; without a symmetry there is no special one.
    about = symmetry.elements[-1].point if symmetry.elements else rng.normal(size=3)
    near = T @ members[seed % len(members)]
    near[:3, :3] = near[:3, :3] @ Rotation.from_rotvec(rng.normal(size=3) * 0.05).as_matrix()
    near[:3, 3] += rng.normal(size=3) * 0.01
    assert symmetry.same(T @ members[-1], T, rotation_rad=1e-6, shift_m=1e-6, about=about)
    rotation = angles((near @ members)[:, :3, :3], T[:3, :3])
    shifted = np.linalg.norm(((near @ members - T) @ np.append(about, 1))[:, :3], axis=1)
    for rotation_rad, shift_m in rng.uniform(0, (0.2, 0.05), (8, 2)):
        tried = bool(((rotation <= rotation_rad) & (shifted <= shift_m)).any())
        if symmetry.kind == 'finite':
            found = symmetry.same(near, T, rotation_rad=rotation_rad, shift_m=shift_m, about=about)
            assert found == tried
        elif tried:  # what the samples in between reach is not known here
            assert symmetry.same(near, T, rotation_rad=rotation_rad, shift_m=shift_m, about=about)
        if shifted.min() > shift_m:
            assert not symmetry.same(near, T, rotation_rad=np.pi, shift_m=shift_m, about=about)


def test_same_measures_the_shift_at_the_point_asked_for():
    tilt = np.eye(4)
    tilt[:3, :3] = Rotation.from_euler('x', 2, degrees=True).as_matrix()
    limits = {'rotation_rad': np.radians(2.1), 'shift_m': 0.01}
    assert Symmetry().same(tilt, np.eye(4), **limits)
    assert not Symmetry().same(tilt, np.eye(4), about=(0, 1, 0), **limits)
    assert not Symmetry().same(tilt, np.eye(4), rotation_rad=np.radians(1.9), shift_m=0.01)
    ball = GROUPS['ball'][0]
    assert ball.same(tilt, np.eye(4), rotation_rad=1e-6, shift_m=0.001)


@cases
def test_a_symmetry_survives_being_kept_as_an_array(symmetry, size):
    rows = symmetry.to_array()
    assert rows.shape == (len(symmetry.elements), 7)
    assert Symmetry.from_array(rows) == symmetry


def test_without_symmetry_the_errors_are_those_of_the_pose():
    T_a, T_b = pose(1), pose(2)
    assert Symmetry().rotation_error_rad(T_a[:3, :3], T_b[:3, :3]) == pytest.approx(
        angle(T_a[:3, :3], T_b[:3, :3]))
    assert Symmetry().translation_error_m(T_a, T_b) == pytest.approx(
        np.linalg.norm(T_a[:3, 3] - T_b[:3, 3]))


@cases
def test_a_shift_counts_fully_also_after_a_symmetric_rotation(symmetry, size):
    T = pose(5)
    shifted = T.copy()
    shifted[:3, 3] += [0.003, 0.0, 0.004]
    for g in symmetry.transforms(steps=8)[:30]:
        assert symmetry.translation_error_m(shifted @ g, T) == pytest.approx(0.005, abs=1e-6)


def test_axis_off_the_origin_moves_the_origin():
    symmetry = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=2, point=(0.1, 0, 0)),))
    np.testing.assert_allclose(symmetry.transforms()[1][:3, 3], [0.2, 0, 0], atol=1e-12)
    wrong = np.diag([-1.0, -1.0, 1.0, 1.0])  # the same rotation, but about the origin
    assert symmetry.rotation_error_rad(wrong[:3, :3], np.eye(3)) < 1e-9
    assert symmetry.translation_error_m(wrong, np.eye(4)) == pytest.approx(0.2)


@pytest.mark.parametrize(('values', 'message'), [
    ({'axis': (0, 0, 0), 'order': 2}, 'no direction'),
    ({'axis': (0, 0), 'order': 2}, 'three finite numbers'),
    ({'axis': 'z', 'order': 2}, 'three finite numbers'),
    ({'axis': (0, 0, float('nan')), 'order': 2}, 'three finite numbers'),
    ({'axis': (0, 0, 1), 'order': 2, 'point': None}, 'three finite numbers'),
    *[({'axis': (0, 0, 1), 'order': order}, 'order')
      for order in (1, -1, 2.0, True, 'many', None, 10**6)],
])
def test_broken_axes_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        Rotational(**values)


@pytest.mark.parametrize(('elements', 'message'), [
    ([Rotational(axis=(0, 0, 1), order=2), Rotational(axis=(0, 0, 1), order=2, point=(1, 0, 0))],
     'infinitely many'),
    ([Rotational(axis=(0, 0, 1), order=7), Rotational(axis=(1, 0, 0.3), order=5)],
     'infinitely many'),
    ([Z_ANY, Rotational(axis=(0, 0, 1), order=2, point=(1, 0, 0))], 'parallel'),
    ([Z_ANY, Rotational(axis=(1, 0, 0), order=4, point=Z_ANY.point)], 'perpendicular'),
    ([Z_ANY, Rotational(axis=(1, 0, 1), order=2, point=Z_ANY.point)], 'perpendicular'),
    ([Z_ANY, Rotational(axis=(1, 0, 0), order=2, point=(0, 0.5, 0))], 'must meet'),
    ([Z_ANY, X_2, Rotational(axis=(0, 1, 0), order=2, point=Z_ANY.point)], 'heights'),
    ([Z_ANY, Rotational(axis=(1, 0, 0), order=0, point=(0, 0.5, 0))], 'pass through'),
])
def test_axes_that_make_no_group_are_refused(elements, message):
    with pytest.raises(ConfigError, match=message):
        Symmetry(elements=tuple(elements))
