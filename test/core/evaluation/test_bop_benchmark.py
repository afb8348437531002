"""Whole frames of a rendered dataset: figures of made-up answers, and the command itself."""

import json
from pathlib import Path
import shutil

from helpers.bop import write_json
from helpers.bop_frames import FRAMES, NAMES, Answers, prediction, true_poses, write_frames
from helpers.evaluation import documented, evaluated
import numpy as np
from PIL import Image
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.evaluation.frames.answer import LOW_CONFIDENCE
from pointpng_core.evaluation.frames.benchmark import FrameSource, run_frames
from pointpng_core.evaluation.frames.contact_sheet import (
    CAPTION_PX,
    COLOURS,
    GREEN,
    LEGEND,
    MARGIN_PX,
    PANEL_PX,
    RED,
    WHITE,
    ContactSheet,
    legend_lines,
)
from pointpng_core.evaluation.frames.judged_frame import JudgedFrame
from pointpng_core.evaluation.frames.library import ModelLibrary
from pointpng_core.evaluation.frames.methods import GivenMasks
from pointpng_core.evaluation.frames.truth import TargetRule
from pointpng_core.io.bop import BopDataset, read_results


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_frames(tmp_path_factory.mktemp('bop') / 'rendered')


@pytest.fixture(scope='module')
def library(folder, estimator):
    return ModelLibrary(BopDataset(folder).objects(), estimator)


def run(folder, library, make, *, sheet=None, **options):
    source = FrameSource(dataset=BopDataset(folder), **options)
    return run_frames(source, library, Answers(make), sheet=sheet)


def test_true_poses_are_right(folder, library):
    result = run(folder, library, true_poses).to_json()
    assert (result['recall'], result['precision'], result['false']) == (1.0, 1.0, 0)
    assert (result['accepted'], result['objects']) == (5, 5)
    assert result['ar'] == pytest.approx(1.0)
    assert (result['frames'], result['judged_frames'], result['ms_median']) == (3, 2, 1.0)
    assert result['by_visible'] == {'0.9-1.0': {'recall': 1.0, 'objects': 5}}
    assert set(result['lost'].values()) == {0}


def test_frames_without_truth_are_processed_but_not_judged(folder, library):
    result = run(folder, library, lambda truths: true_poses(truths) if truths else [
        prediction('mug', np.eye(4))])
    unknown = result.to_json()['scenes']['2']
    assert (unknown['frames'], unknown['judged_frames'], unknown['accepted']) == (1, 0, 0)
    assert (unknown['recall'], unknown['precision'], unknown['ar']) == (None, None, None)
    assert [each.object_id for each in result.estimates if each.scene_id == 2] == [2]


def test_the_figures_of_a_mixed_answer(folder, library):
    def mixed(truths):
        if len(truths) != 3:
            return []
        mug, bracket, other = truths
        far = np.eye(4)
        far[:3, 3] = 0.4, 0.4, 2.0
        return [prediction('mug', mug.T_camera_object, 0.95, rows=mug.mask),
                prediction('bracket', bracket.T_camera_object, 0.3, LOW_CONFIDENCE, bracket.mask),
                prediction('bracket', other.T_camera_object, 0.9, rows=other.mask),
                prediction('drill', far, 0.9)]
    result = run(folder, library, mixed).to_json()
    assert (result['recall'], result['precision']) == (1 / 5, 1 / 3)
    assert (result['false'], result['accepted'], result['false_per_frame']) == (2, 3, 1.0)
    assert result['lost'] == {'no_segment': 2, 'not_posed': 0, 'mistaken_label': 1,
                              'wrong_pose': 0, 'rejected': 1, 'no_mask': 0}
    # Of the five targets only one mug has a right pose: of the only bracket, the one that is more
    # confident is wrong.
    assert result['mssd'] == pytest.approx(1 / 5)
    scene = result['scenes']['1']
    assert (scene['objects'], scene['recall']) == (5, 0.2)


def test_less_visible_objects_are_no_targets(folder, library):
    shares = [instance.visible_fraction for frame in BopDataset(folder).frames([1])
              for instance in frame.instances]
    limit = sorted(shares)[2] - 1e-9
    rule = TargetRule(min_visible=limit)
    result = run(folder, library, true_poses, rule=rule).to_json()
    expected = sum(share >= limit for share in shares)
    assert result['objects'] == expected
    assert result['verdicts']['not_a_target'] == 5 - expected
    assert (result['precision'], result['false']) == (1.0, 0)


def test_bop19_targets_choose_images_and_objects(tmp_path, folder, library):
    folder = Path(shutil.copytree(folder, tmp_path / 'targets'))
    write_json(folder / 'test_targets_bop19.json', [
        {'scene_id': 1, 'im_id': 5, 'obj_id': 2, 'inst_count': 1}])
    result = run(folder, library, true_poses).to_json()
    assert (result['frames'], result['objects'], result['recall']) == (1, 1, 1.0)
    assert result['verdicts']['not_a_target'] == 2


def test_frames_are_spread_and_scenes_chosen(folder):
    source = FrameSource(dataset=BopDataset(folder), per_scene=1)
    assert [(frame.scene_id, frame.image_id) for frame in source.frames()] == [(1, 0), (2, 0)]
    source = FrameSource(dataset=BopDataset(folder), scene_ids=(1,))
    assert [(frame.scene_id, frame.image_id) for frame in source.frames()] == [(1, 0), (1, 5)]


def test_the_sheet_has_green_and_red_outlines_where_the_objects_are(tmp_path, folder, library):
    def colours(make):
        sheet = ContactSheet(library.surfaces)
        run(folder, library, make, sheet=sheet)
        sheet.save(tmp_path / 'sheet.png')
        pixels = np.asarray(Image.open(tmp_path / 'sheet.png')).reshape(-1, 3)
        return [(pixels == colour).all(axis=1).sum() > 200 for colour in (GREEN, RED)]
    assert colours(true_poses) == [True, False]
    names = {'drill': 'mug', 'mug': 'bracket', 'bracket': 'mug'}
    assert colours(lambda truths: [prediction(names[truth.label], truth.T_camera_object)
                                   for truth in truths]) == [False, True]


def test_colours_of_verdicts_differ_from_each_other_from_white_and_from_grey_pictures():
    colours = [*set(COLOURS.values()), WHITE]
    gaps = [np.linalg.norm(np.subtract(one, other)) for index, one in enumerate(colours)
            for other in colours[:index]]
    assert min(gaps) > 110
    assert min(np.ptp(colour) for colour in colours[:-1]) > 100
    for name in ('green', 'amber', 'red', 'blue', 'white'):
        assert any(entry.startswith((f'{name}:', f'{name}, ')) for entry in LEGEND)


@pytest.mark.parametrize(('frames', 'columns'), [(1, 1), (2, 2), (3, 3)])
def test_the_legend_is_whole_however_narrow_the_sheet(tmp_path, folder, library, frames, columns):
    lines = legend_lines(columns * PANEL_PX)
    assert [entry for line in lines for entry in line.split('    ')] == list(LEGEND)
    sheet = ContactSheet(library.surfaces)
    source = FrameSource(dataset=BopDataset(folder))
    for frame in list(source.dataset.frames())[:frames]:
        answer = Answers(lambda truths: []).answer(None, [])
        sheet.add(JudgedFrame.of(frame, frame.depth_m(), answer, [], library.surfaces))
    sheet.save(tmp_path / 'sheet.png')
    head = np.asarray(Image.open(tmp_path / 'sheet.png'))[:CAPTION_PX * len(lines)]
    assert head.shape[1] == columns * PANEL_PX
    assert not head[:, -MARGIN_PX // 2:].any()
    for index in range(len(lines)):
        assert head[index * CAPTION_PX:(index + 1) * CAPTION_PX].any()


@pytest.mark.parametrize('known', [False, True])
def test_given_masks_are_posed(folder, library, estimator, known):
    method = GivenMasks(estimator=estimator, references=library.references, min_confidence=0.5,
                        known_labels=known)
    result = run_frames(FrameSource(dataset=BopDataset(folder)), library, method).to_json()
    assert result['recall'] >= 0.8
    assert result['false'] == 0
    assert result['frames'] == 3
    assert {'search', 'refine', 'total'} <= set(result['stage_ms'])


# --- the command ------------------------------------------------------------------------------

def test_the_command(tmp_path, folder, capsys, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    words = ('bop', folder, '--csv', tmp_path / 'poses.csv', '--sheet', tmp_path / 'sheet.png')
    result, table = evaluated(tmp_path, capsys, *words)
    assert set(result) | set(result['scenes']['1']) | set(result['lost']) <= documented('bop')
    assert list(result)[:9] == ['recall', 'precision', 'false', 'accepted', 'objects', 'ar',
                                'ms_median', 'by_visible', 'lost']
    assert (result['objects'], result['models'], result['symmetries']) == (5, 3, 'detected')
    assert result['recall'] >= 0.8
    assert 'scene 1' in table
    assert 'accepted  near  duplicate  false' in table
    assert result['judged_on'] == 'models'
    assert 'ms by stage' in table
    poses = read_results(tmp_path / 'poses.csv')
    assert {(pose.scene_id, pose.image_id) for pose in poses} == set(FRAMES)
    assert {pose.object_id for pose in poses} <= set(NAMES)
    again, _ = evaluated(tmp_path, capsys, *words)
    assert without_times(again) == without_times(result)


def without_times(values):
    return {key: without_times(value) if isinstance(value, dict) else value
            for key, value in values.items() if not key.endswith('ms') and key != 'ms_median'}


@pytest.mark.parametrize(('words', 'message'), [
    (['--known-labels'], '--known-labels needs --masks visib'),
    (['--csv', 'nowhere/poses.csv'], 'its folder does not exist'),
    (['--sheet', 'nowhere/sheet.png'], 'its folder does not exist'),
    (['--sheet', 'sheet.txt'], '--sheet sheet.txt: the picture is a PNG'),
    (['--config', 'wrong.yaml'], "unknown key 'segmentation'; did you mean 'segmenter'"),
    (['--min-visible', '2'], 'is not a number from 0 to 1')])
def test_bad_arguments_are_refused_before_the_work(folder, tmp_path, capsys, monkeypatch, words,
                                                   message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'wrong.yaml').write_text(json.dumps({'segmentation': {}}))
    try:
        code = cli.main(['evaluate', 'bop', str(folder), *words])
    except SystemExit as stop:
        code = stop.code
    assert code in {1, 2}
    assert message in capsys.readouterr().err


def test_a_folder_that_is_no_dataset_is_refused(tmp_path, capsys):
    assert cli.main(['evaluate', 'bop', str(tmp_path)]) != 0
    assert 'is it a BOP dataset?' in capsys.readouterr().err
