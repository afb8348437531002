"""The ablation on models that train in a second: cells, resuming, table, curves."""

import dataclasses
import json

from helpers.training import RecordingReporter, tiny_config, write_objects
import pytest
import torch

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.evaluation.embedding import ablation
from pointpng_core.evaluation.embedding.ablation import (
    BETAS,
    NEGATIVES,
    Cell,
    cells_of,
    pose_errors_deg,
    run_ablation,
)
from pointpng_core.evaluation.embedding.ablation_report import (
    markdown_table,
    plot_ablation,
    sweeps,
)
from pointpng_core.training.embedding_metrics import rotated_pairs

CELLS = (Cell(beta=0.3, negatives=8), Cell(beta=0.0, negatives=8))
METRICS = {'pa', 'ae', 'cosine_plain', 'pairs', 'svm_accuracy', 'pose_median_deg', 'pose_15deg'}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))


@pytest.fixture
def config(tmp_path):
    return tiny_config(write_objects(tmp_path), model={'cope': 'harmonic'}, keep=1,
                       checkpoint_every=100)


def no_training(*args, **options):
    raise AssertionError('a finished cell was trained again')


# --- which cells ---------------------------------------------------------------------------


def test_one_at_a_time_varies_about_the_choice_of_the_paper():
    cells = cells_of(BETAS, NEGATIVES, 'one-at-a-time')
    assert len(cells) == len(set(cells)) == 10
    assert {cell.beta for cell in cells if cell.negatives != 8} == {0.3}
    assert {cell.beta for cell in cells if cell.negatives == 8} == set(BETAS)
    assert {cell.negatives for cell in cells if cell.beta == 0.3} == set(NEGATIVES)


def test_the_full_grid_has_all_combinations():
    cells = cells_of(BETAS, NEGATIVES, 'full')
    assert len(set(cells)) == len(BETAS) * len(NEGATIVES)
    assert len({cell.name for cell in cells}) == len(cells)


@pytest.mark.parametrize(('arguments', 'message'), [(((), (), 'full'), 'no cell'),
                                                    (((0.1,), (1,), 'half'), 'half')])
def test_grids_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        cells_of(*arguments)


# --- runs ----------------------------------------------------------------------------------


def test_every_cell_is_trained_once_with_its_own_loss(tmp_path, config, monkeypatch):
    asked = []
    real = ablation.train

    def counted(own, *args, **options):
        asked.append((own.beta, own.negatives, own.mae_steps, own.png_steps))
        return real(own, *args, **options)
    monkeypatch.setattr(ablation, 'train', counted)
    kept = []
    result = run_ablation(config, CELLS, tmp_path / 'out', keep=kept.append)
    assert [len(part['cells']) for part in kept] == [1, 2]
    assert kept[1] == result
    assert asked == [(0.3, 8, 3, 0), (0.3, 8, 0, 5), (0.0, 8, 0, 5)]
    assert [(cell['beta'], cell['negatives']) for cell in result['cells']] == [(0.3, 8), (0.0, 8)]
    assert all(set(cell) == METRICS | {'beta', 'negatives'} for cell in result['cells'])
    assert (result['cope'], result['mae_steps'], result['png_steps']) == ('harmonic', 3, 5)
    assert json.loads(json.dumps(result)) == result
    assert result['cells'][0]['svm_accuracy'] >= 0.5
    monkeypatch.setattr(ablation, 'train', no_training)
    assert run_ablation(config, CELLS, tmp_path / 'out') == result
    # Device and threads change no result.
    again = dataclasses.replace(config, threads=2)
    assert run_ablation(again, CELLS[:1], tmp_path / 'out')['cells'] == result['cells'][:1]


def test_an_interrupted_cell_goes_on_to_the_same_result(tmp_path, config):
    whole = run_ablation(config, CELLS[:1], tmp_path / 'whole')
    with pytest.raises(KeyboardInterrupt):
        run_ablation(config, CELLS[:1], tmp_path / 'cut', reporter=RecordingReporter(stop_at=4))
    reporter = RecordingReporter()
    assert not list((tmp_path / 'cut').glob('cells/*'))
    cut = run_ablation(config, CELLS[:1], tmp_path / 'cut', reporter=reporter)
    assert cut['cells'] == whole['cells']
    assert any('resuming after step 4' in line for line in reporter.lines)


def test_validation_objects_are_those_the_run_held_out(tmp_path, config, monkeypatch):
    seen = []
    monkeypatch.setattr(ablation, 'cell_metrics',
                        lambda model, training, validation, **options:
                        seen.append((training, validation)) or {'pa': 1.0})
    run_ablation(config, CELLS[:1], tmp_path / 'out')
    (training,), (validation,) = seen[0]
    assert (len(training.points), len(validation.points)) == (12, 4)
    rows = {tuple(cloud.flatten().tolist()) for cloud in training.points}
    assert not rows & {tuple(cloud.flatten().tolist()) for cloud in validation.points}


def test_without_validation_objects_nothing_is_trained(tmp_path, config, monkeypatch):
    monkeypatch.setattr(ablation, 'train', no_training)
    with pytest.raises(ConfigError, match='validation_share'):
        run_ablation(dataclasses.replace(config, validation_share=0.0), CELLS, tmp_path / 'out')


def test_cells_of_other_settings_or_damaged_ones_are_not_taken(tmp_path, config, monkeypatch):
    run_ablation(config, CELLS[:1], tmp_path / 'out')
    monkeypatch.setattr(ablation, 'train', no_training)
    with pytest.raises(ConfigError, match='other values of png_steps, tau'):
        run_ablation(dataclasses.replace(config, png_steps=6, tau=0.5), CELLS, tmp_path / 'out')
    path = tmp_path / 'out' / 'cells' / f'{CELLS[0].name}.json'
    path.write_text(path.read_text()[:-30])
    with pytest.raises(FileError, match='delete it'):
        run_ablation(config, CELLS, tmp_path / 'out')


def test_a_folder_that_cannot_be_written_is_named(tmp_path, config):
    (tmp_path / 'out').write_text('a file')
    with pytest.raises(FileError, match='out'):
        run_ablation(config, CELLS, tmp_path / 'out')


def test_pose_errors_are_small_where_the_model_is_exact():
    model = load_model('training_free')
    points = torch.randn(4, 300, 3, generator=torch.Generator().manual_seed(0)) \
        * torch.tensor([0.3, 0.2, 0.1])
    points[:, :100] += torch.tensor([0.1, 0.3, 0.0])  # no symmetry
    points = points.repeat(1, 2, 1)
    pairs = rotated_pairs(points - points.mean(dim=1, keepdim=True), 150, jitter=0.0,
                         generator=torch.Generator().manual_seed(0))
    same = dataclasses.replace(pairs, target=[
        cloud @ R.T for cloud, R in zip(pairs.source, pairs.R_target_source)])
    assert pose_errors_deg(model, same).max() < 0.5
    backwards = dataclasses.replace(same, R_target_source=same.R_target_source.transpose(1, 2))
    assert pose_errors_deg(model, backwards).median() > 20


# --- reports -------------------------------------------------------------------------------


RESULT = {'cope': 'harmonic', 'mae_steps': 3, 'png_steps': 5, 'seed': 0, 'cells': [
    {'beta': beta, 'negatives': count, 'pa': 0.9, 'ae': ae, 'cosine_plain': 0.9 - ae,
     'svm_accuracy': None, 'pose_median_deg': 12.34, 'pose_15deg': 0.5}
    for beta, count, ae in ((0.3, 8, 0.61), (0.0, 8, 0.01), (0.3, 0, 0.02), (0.5, 2, 0.3))]}


def test_the_table_has_a_row_for_each_cell():
    lines = markdown_table(RESULT).splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[2:]]
    assert len({len(row) for row in rows}) == 1
    assert rows[0][:4] == ['beta', 'M', 'PA', 'AE']
    assert rows[3] == ['0', '8', '0.900', '0.010', '0.890', '-', '12.3', '0.500']
    assert '`harmonic`' in lines[0]


def test_curves_run_along_one_value_at_a_time(tmp_path):
    by_beta, by_count = sweeps(RESULT['cells'])
    assert [cell['beta'] for cell in by_beta] == [0.0, 0.3]
    assert [cell['negatives'] for cell in by_count] == [0, 8]
    pytest.importorskip('matplotlib')
    assert plot_ablation(RESULT, tmp_path / 'plot.png')
    assert (tmp_path / 'plot.png').read_bytes().startswith(b'\x89PNG')
