"""Symmetries of models_info.json, as the motions of the BOP measures and as our groups."""

from helpers.bop import INFO, write_dataset, write_json
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.geometry import CONTINUOUS, Symmetry
from pointpng_core.io.bop import BopDataset
from pointpng_core.io.bop.json_files import Record
from pointpng_core.io.bop.symmetries import read_symmetries

HALF_ABOUT_Z = [-1, 0, 0, 8, 0, -1, 0, 6, 0, 0, 1, 0, 0, 0, 0, 1]
"""About the line through (4, 3) mm."""
FLIP = [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 20, 0, 0, 0, 1]
ROUND = {'axis': [0, 0, 2], 'offset': [5, -7, 0]}


def transforms(**entry):
    return read_symmetries(Record('here', entry)).transforms()


def test_without_symmetries_there_is_the_identity_alone():
    np.testing.assert_array_equal(transforms(), np.eye(4)[None])


def test_discrete_motions_follow_the_identity_with_metres():
    found = transforms(symmetries_discrete=[HALF_ABOUT_Z])
    np.testing.assert_array_equal(found[0], np.eye(4))
    np.testing.assert_allclose(found[1] @ [0.004, 0.003, 0.1, 1], [0.004, 0.003, 0.1, 1])
    assert len(found) == 2


def naive_transforms(entry):
    """Return what the text of the benchmark says, in millimetres, one after the other."""
    steps = int(np.ceil(np.pi / 0.01))
    found = []
    for discrete in [np.eye(4), *(np.reshape(s, (4, 4)) for s in entry['symmetries_discrete'])]:
        for continuous in entry['symmetries_continuous']:
            axis = np.array(continuous['axis']) / np.linalg.norm(continuous['axis'])
            for k in range(steps):
                T = np.eye(4)
                T[:3, :3] = Rotation.from_rotvec(2 * np.pi * k / steps * axis).as_matrix()
                T[:3, 3] = continuous['offset'] - T[:3, :3] @ continuous['offset']
                found.append(T @ discrete)
    return np.array(found)


def test_continuous_axes_are_combined_with_discrete_motions():
    entry = {'symmetries_discrete': [FLIP], 'symmetries_continuous': [ROUND]}
    found, expected = transforms(**entry), naive_transforms(entry)
    assert len(found) == 2 * 315
    expected[:, :3, 3] /= 1000
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_consecutive_rotations_move_no_vertex_by_more_than_the_step():
    found = transforms(symmetries_continuous=[{'axis': [0, 0, 1], 'offset': [0, 0, 0]}])
    rim = np.array([0.5, 0, 0, 1])  # of a disc of diameter 1
    moved = np.linalg.norm(np.diff(found @ rim, axis=0), axis=1)
    assert moved.max() < 0.01 < 1.01 * moved.max()


@pytest.fixture
def folder(tmp_path):
    return write_dataset(tmp_path / 'tiny')


def objects(folder, **entries):
    info = {key: {**INFO[key], **entries.get(f'object_{key}', {})} for key in INFO}
    write_json(folder / 'models' / 'models_info.json', info)
    return BopDataset(folder).objects()


def test_a_dataset_that_gives_no_symmetry_leaves_it_to_be_found(folder):
    assert [item.symmetry for item in objects(folder)] == [None, None]


def test_a_dataset_that_gives_symmetries_says_that_the_others_have_none(folder):
    first, second = objects(folder, object_7={'symmetries_continuous': [ROUND]})
    assert first.symmetry == Symmetry()
    (element,) = second.symmetry.elements
    assert (element.axis, element.order, element.point) == ((0, 0, 1), CONTINUOUS,
                                                            (0.005, -0.007, 0))
    assert second.symmetry_notes == ()


def test_what_is_no_motion_is_noted_but_counts_for_the_measures_as_given(folder):
    mirror = np.diag([-1, 1, 1, 1]).reshape(-1).tolist()
    _, item = objects(folder, object_7={'symmetries_discrete': [mirror, HALF_ABOUT_Z]})
    assert len(item.symmetry.transforms()) == 2
    assert len(item.transforms()) == 3
    assert item.symmetry_notes == ('a reflection is no motion of a rigid object: left out',)
