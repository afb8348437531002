"""Whole frames of a dataset as cases for a calibration."""

from dataclasses import replace

from helpers.bop_frames import FRAMES, NAMES, WITHOUT_TRUTH, write_frames
import numpy as np
import pytest

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.estimation.confidence import FRAME_FEATURES, Calibration, FrameWeights
from pointpng_core.evaluation.confidence.calibration import (
    CalibrationData,
    fit_calibration,
    gather,
    judge,
)
from pointpng_core.evaluation.confidence.frames import HALVED_EVERY, frame_cases
from pointpng_core.io.bop import BopDataset


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_frames(tmp_path_factory.mktemp('bop') / 'rendered')


@pytest.fixture(scope='module')
def reported():
    return []


@pytest.fixture(scope='module')
def cases(folder, estimator, reported):
    return frame_cases(estimator, BopDataset(folder), report=reported.append)


def test_true_objects_are_right_and_what_is_in_no_library_is_unknown(cases):
    """The first frame of the three is also searched with either half of the library."""
    right = [case for case in cases if case.right]
    objects = sum(len(placed) for key, placed in FRAMES.items() if key != WITHOUT_TRUTH)
    assert len(FRAMES) <= HALVED_EVERY
    assert len(right) == objects + len(FRAMES[1, 0])
    assert {case.name for case in right} == set(NAMES.values())
    assert all(case.known for case in right)
    wrong = [case for case in cases if not case.right]
    assert all(case.name == '' for case in wrong)
    assert {case.known for case in wrong} == {True, False}
    for case in cases:
        assert case.features.shape == (len(FRAME_FEATURES),)
        assert case.weights_name == 'frame'
        assert case.source == 'rendered'


def test_a_frame_without_truth_makes_wrong_cases_only(cases):
    """Its drill is at no pose that is known: a larger number of cases, none of them right."""
    assert sum(case.right for case in cases) < len(cases)
    assert np.mean([case.confidence for case in cases if case.right]) > 0.8


def test_every_frame_is_reported_with_the_cases_so_far(cases, reported):
    frames = [line for line in reported if line.startswith('scene ')]
    assert [line.split(':')[0] for line in frames] == [
        f'scene {scene}, image {image}' for scene, image in FRAMES]
    assert frames[-1].endswith(f': {len(cases)} cases')


def test_frames_are_gathered_for_their_half_only(cases, folder, estimator):
    data = CalibrationData(frames=(folder,))
    held_out = gather(estimator, data, fitted=False)
    assert [case.name for case in held_out] == [case.name for case in cases]
    with pytest.raises(ConfigError, match='datasets of frames'):
        gather(estimator, data, fitted=True)
    with pytest.raises(ConfigError, match='datasets of frames'):
        gather(estimator, replace(data, frames=(), fitted_frames=(folder,)), fitted=False)


def test_a_folder_that_is_no_dataset_is_an_error(tmp_path, estimator):
    with pytest.raises(FileError):
        gather(estimator, CalibrationData(frames=(tmp_path,)), fitted=False)


def test_cases_of_frames_fit_the_weights_of_frames_only(cases):
    start = Calibration(frame=FrameWeights(intercept=1.0))
    many = 3 * cases
    fitted = fit_calibration(many, start)
    assert fitted.frame != start.frame
    assert (fitted.single_view, fitted.surface) == (start.single_view, start.surface)
    before, after = (judge(many, one) for one in (start, fitted))
    assert after['brier'] < before['brier']
