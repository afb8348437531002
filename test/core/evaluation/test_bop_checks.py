"""What `evaluate bop` finds out before the work, and what it never judges."""

import json
from pathlib import Path
import shutil

from helpers.bop import write_json
from helpers.bop_frames import Answers, prediction, true_poses, write_frames
import numpy as np
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.errors import FileError
from pointpng_core.evaluation.frames import point_pair_features
from pointpng_core.evaluation.frames.benchmark import FrameSource, run_frames
from pointpng_core.evaluation.frames.library import ModelLibrary
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io import write_mesh
from pointpng_core.io.bop import BopDataset


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    return write_frames(tmp_path_factory.mktemp('bop') / 'rendered')


@pytest.fixture
def folder(tmp_path, original):
    return Path(shutil.copytree(original, tmp_path / 'changed'))


@pytest.fixture(scope='module')
def library(original, estimator):
    return ModelLibrary(BopDataset(original).objects(), estimator)


@pytest.fixture
def no_library(monkeypatch):
    def build(*arguments, **options):
        pytest.fail('references are built before everything was checked')
    monkeypatch.setattr(ModelLibrary, '__init__', build)


def run(folder, library, make, **options):
    return run_frames(FrameSource(dataset=BopDataset(folder), **options), library,
                      Answers(make)).to_json()


# --- frames without truth --------------------------------------------------------------------

@pytest.mark.parametrize('image', [None, 0, 5])
def test_poses_in_frames_without_truth_change_no_figure_but_the_times(folder, library, image):
    """`scene_gt.json` is missing, or lacks one image; that of scene 2 lists nothing."""
    scene = folder / 'test' / '000001'
    for name in ('scene_gt', 'scene_gt_info'):
        entries = json.loads((scene / f'{name}.json').read_text())
        (scene / f'{name}.json').unlink()
        if image is not None:
            write_json(scene / f'{name}.json', {key: value for key, value in entries.items()
                                                if key != str(image)})
    result = run(folder, library, lambda truths: true_poses(truths) if truths else [
        prediction('mug', np.eye(4))] * 3)
    targets = {None: 0, 0: 3, 5: 2}[image]
    assert (result['frames'], result['judged_frames']) == (3, int(targets > 0))
    assert (result['accepted'], result['objects'], result['false']) == (targets, targets, 0)
    assert sum(result['verdicts'].values()) == targets
    assert result['precision'] == (1.0 if targets else None)
    assert result['false_per_frame'] == (0.0 if targets else None)


# --- masks -----------------------------------------------------------------------------------

@pytest.mark.parametrize('words', [['--masks', 'visib'], ['--baselines']])
def test_masks_that_are_needed_must_be_there(folder, capsys, monkeypatch, no_library, words):
    monkeypatch.setattr(point_pair_features, 'require_opencv', lambda: None)
    shutil.rmtree(folder / 'test' / '000001' / 'mask_visib')
    assert cli.main(['evaluate', 'bop', str(folder), *words]) == 2
    error = capsys.readouterr().err
    assert 'mask_visib has no mask 000000_000000.png' in error


def test_one_missing_mask_is_an_error_and_not_a_lost_object(folder, library):
    (folder / 'test' / '000001' / 'mask_visib' / '000005_000002.png').unlink()
    assert run(folder, library, lambda truths: [])['objects'] == 5
    with pytest.raises(FileError, match=r'no mask 000005_000002\.png'):
        run(folder, library, lambda truths: [], need_masks=True)


def test_a_scene_without_truth_needs_no_masks(folder):
    shutil.rmtree(folder / 'test' / '000002' / 'mask_visib', ignore_errors=True)
    FrameSource(dataset=BopDataset(folder), need_masks=True).check()


# --- before the references -------------------------------------------------------------------

@pytest.mark.parametrize(('words', 'message'), [
    (['--scene', '9'], 'has no scene 9; it has 1, 2'),
    (['--split', 'val'], "no folder 'val' with scenes")])
def test_wrong_scenes_and_splits_are_refused_before_references_are_built(
        folder, capsys, no_library, words, message):
    assert cli.main(['evaluate', 'bop', str(folder), *words]) == 2
    assert message in capsys.readouterr().err


def test_broken_files_are_refused_before_references_are_built(folder, capsys, no_library):
    (folder / 'test_targets_bop19.json').write_text('{}')
    assert cli.main(['evaluate', 'bop', str(folder)]) == 2
    assert 'a list of targets' in capsys.readouterr().err
    (folder / 'test_targets_bop19.json').unlink()
    (folder / 'test' / '000002' / 'scene_camera.json').unlink()
    assert cli.main(['evaluate', 'bop', str(folder)]) == 2
    assert 'scene_camera.json is missing' in capsys.readouterr().err


# --- meshes for evaluation -------------------------------------------------------------------

def write_doubled(folder):
    """Write `models_eval`: meshes and diameters twice as large."""
    shutil.copytree(folder / 'models', folder / 'models_eval')
    for item in BopDataset(folder).objects():
        write_mesh(folder / 'models_eval' / item.path.name, TriangleMesh(
            vertices=2000 * item.mesh.vertices, faces=item.mesh.faces))
    path = folder / 'models_eval' / 'models_info.json'
    infos = json.loads(path.read_text())
    write_json(path, {key: {**info, 'diameter': 2 * info['diameter']}
                      for key, info in infos.items()})


def test_bop_errors_are_measured_on_the_meshes_for_evaluation(folder, library, estimator):
    """On meshes twice as large, the same shift is half as large a share of the diameter."""
    write_doubled(folder)
    dataset = BopDataset(folder)
    other = ModelLibrary(dataset.objects(), estimator, judged_on=dataset.evaluation_objects())
    frame = next(dataset.frames([1]))
    T = frame.instances[0].T_camera_object[None]
    shifted = T.copy()
    shifted[0, 0, 3] += 0.02
    plain, doubled = (each.judge('drill').errors(
        shifted, np.ones(1), T, np.ones(1, dtype=bool), depth_m=frame.depth_m(),
        camera=frame.camera) for each in (library, other))
    assert plain.mssd[0, 0] > 0.05
    assert doubled.mssd == pytest.approx(plain.mssd / 2, rel=1e-3)


def test_the_command_judges_on_the_meshes_for_evaluation(folder, monkeypatch):
    write_doubled(folder)
    given = {}

    class Stopped(Exception):
        """The rest of the command is not run."""

    def build(self, objects, estimator, report, *, judged_on):
        given.update(objects=objects, judged_on=judged_on)
        raise Stopped
    monkeypatch.setattr(ModelLibrary, '__init__', build)
    with pytest.raises(Stopped):
        cli.main(['evaluate', 'bop', str(folder)])
    assert {item.path.parent.name for item in given['objects']} == {'models'}
    assert {item.path.parent.name for item in given['judged_on']} == {'models_eval'}


def test_an_object_without_a_mesh_for_evaluation_is_named(original, estimator):
    objects = BopDataset(original).objects()
    with pytest.raises(FileError, match='has no mesh of object 3'):
        ModelLibrary(objects, estimator, judged_on=objects[:2])
