"""The trainer: reproducible, resumable to the last digit, and clear about what goes wrong."""

import math
from statistics import fmean

from helpers.training import (
    STEERABLE,
    RecordingReporter,
    curve,
    tiny_config,
    train,
    weights,
)
import pytest
import torch

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.embedding.networks.factory import make_network
from pointpng_core.errors import ConfigError, FileError, TrainingError
from pointpng_core.io.checkpoints import (
    latest_checkpoint,
    read_checkpoint,
)
from pointpng_core.training import trainer as recipe
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.monitors import READINGS, CollapseMonitor
from pointpng_core.training.objectives import PointPngTask
from pointpng_core.training.schedule import learning_rate, stages


def test_a_run_leaves_model_checkpoints_curves_and_configuration(source, tmp_path):
    reporter, config, run = RecordingReporter(), tiny_config(source), tmp_path / 'run'
    metrics = train(config, run, reporter=reporter)
    assert {'val_loss', 'val_pa', 'val_ae', 'val_pose_median_deg'} <= metrics.keys()
    assert TrainConfig.from_yaml(run / 'config.yaml') == config
    checkpoint = read_checkpoint(run / 'model')
    assert checkpoint.config['step'] == 8
    assert checkpoint.config['metrics'] == pytest.approx(metrics)
    assert checkpoint.config['data'][0]['path'] == str(source)
    assert checkpoint.config['recipe']['tau'] == config.tau
    assert [record['stage'] for record in reporter.records] == ['mae'] * 3 + ['png'] * 5
    assert {'loss', 'align', 'cope', 'unif', 'pa', 'ae', 'lr', 'clouds_per_s'} \
        <= reporter.records[-1].keys()
    assert len(curve(run)) == 8 + 3  # and the validations
    assert (run / 'curves.png').stat().st_size > 10_000


def test_a_steerable_encoder_is_trained_by_the_same_loop(source, tmp_path):
    reporter, config = RecordingReporter(), tiny_config(source, **STEERABLE)
    metrics = train(config, tmp_path / 'run', reporter=reporter)
    assert {'val_pa', 'val_ae', 'val_pose_median_deg'} <= metrics.keys()
    assert {'loss', 'align', 'cope', 'unif', 'view', 'full_view', 'centre',
            'visible'} \
        <= reporter.records[-1].keys()
    model = load_model(tmp_path / 'run')
    start = make_network(config.model).state_dict()
    trained = read_checkpoint(tmp_path / 'run' / 'model').tensors
    assert all((trained[name] != value).any() for name, value in start.items()
               if name.startswith(('readout.', 'towards.', 'seen.')))
    assert model.encoder.encode(torch.randn(2, 40, 3)).shape == (2, config.model.embedding_dim)


def test_a_steerable_encoder_has_no_first_stage(source):
    with pytest.raises(ConfigError, match='mae_steps = 3'):
        tiny_config(source, model={'encoder': 'steerable'})


@pytest.mark.long
def test_one_seed_gives_one_curve_and_another_seed_another(source, tmp_path):
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        train(tiny_config(source, seed=seed), tmp_path / name)
    assert curve(tmp_path / 'a') == curve(tmp_path / 'b')
    assert curve(tmp_path / 'a') != curve(tmp_path / 'c')


@pytest.mark.long
def test_training_lowers_the_loss(source, tmp_path):
    def share_left(seed):
        config = tiny_config(source, mae_steps=0, png_steps=150, lr=3e-3, batch=8, seed=seed,
                             validate_every=1000, checkpoint_every=1000)
        reporter = RecordingReporter()
        train(config, tmp_path / f'run_{seed}', reporter=reporter)
        losses = [record['loss'] for record in reporter.records]
        return sum(losses[-10:]) / sum(losses[:10])
    assert fmean(share_left(seed) for seed in range(4)) < 0.85     # one seed alone: .6 to .93


@pytest.mark.long
def test_the_average_of_the_weights_is_the_model(source, tmp_path):
    train(tiny_config(source, ema=0.9), tmp_path / 'average')
    train(tiny_config(source), tmp_path / 'last')
    average, last = weights(tmp_path / 'average'), weights(tmp_path / 'last')
    key = 'encoder.tokens.from_local.weight'
    assert 0 < (average[key] - last[key]).abs().max() < last[key].abs().max()


def test_a_stage_may_be_left_out_and_another_model_be_the_start(source, tmp_path):
    train(tiny_config(source, png_steps=0), tmp_path / 'mae')
    reporter = RecordingReporter()
    train(tiny_config(source, mae_steps=0, png_steps=1, init=str(tmp_path / 'mae'), lr=1e-8),
          tmp_path / 'png', reporter=reporter)
    assert [record['stage'] for record in reporter.records] == ['png']
    mae, png = weights(tmp_path / 'mae'), weights(tmp_path / 'png')
    key = 'encoder.tokens.from_local.weight'
    assert torch.allclose(mae[key], png[key], atol=1e-6)
    with pytest.raises(FileError, match=r'do not fit the configuration \(model'):
        train(tiny_config(source, init=str(tmp_path / 'mae'), model={'width': 48}),
              tmp_path / 'other')


@pytest.mark.long
def test_a_loss_that_is_not_finite_stops_the_run_before_it_is_saved(source, tmp_path,
                                                                    monkeypatch):
    forward = PointPngTask.forward

    def broken(self, batch, generator, progress):
        parts = forward(self, batch, generator, progress)
        broken.calls += 1
        return {**parts, 'loss': parts['loss'] * (math.nan if broken.calls == 3 else 1.0)}

    broken.calls = 0
    config, run = tiny_config(source, checkpoint_every=1), tmp_path / 'run'
    with monkeypatch.context() as patch:
        patch.setattr(PointPngTask, 'forward', broken)
        with pytest.raises(TrainingError, match=r'step 6: the loss is nan.*Lower lr.*--resume'):
            train(config, run)
    assert read_checkpoint(latest_checkpoint(run)).config['step'] == 5
    train(config, run, resume=True)
    train(config, tmp_path / 'whole')
    assert curve(run) == curve(tmp_path / 'whole')


def test_losses_on_a_gpu_are_checked_later_and_a_bad_step_is_found(source, tmp_path,
                                                                   monkeypatch):
    """Losses are checked with the next line of metrics; no non-finite weights are ever saved."""
    forward = PointPngTask.forward

    def broken(self, batch, generator, progress):
        broken.calls += 1
        parts = forward(self, batch, generator, progress)
        return {**parts, 'loss': parts['loss'] * (math.nan if broken.calls == 2 else 1.0)}

    broken.calls = 0
    monkeypatch.setattr(PointPngTask, 'forward', broken)
    monkeypatch.setattr(recipe, 'checks_every_step', lambda device: False)
    run = tmp_path / 'run'
    with pytest.raises(TrainingError, match='step 5: the loss is nan'):
        train(tiny_config(source, log_every=4, checkpoint_every=100), run)
    assert broken.calls > 2  # later than it happened
    assert read_checkpoint(latest_checkpoint(run)).config['step'] == 3


def test_a_folder_that_cannot_be_written_is_refused_before_training(source, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileError, match='cannot write into the run folder'):
        train(tiny_config(source), tmp_path / 'file' / 'run')


def test_a_run_is_neither_overwritten_nor_mixed(source, tmp_path):
    run = tmp_path / 'run'
    train(tiny_config(source, png_steps=1), run)
    with pytest.raises(ConfigError, match='--resume'):
        train(tiny_config(source, png_steps=1), run)
    with pytest.raises(ConfigError, match=r'tau was 0.2, is 0.5.*model.width was 24, is 48'):
        train(tiny_config(source, tau=0.5, model={'width': 48}), run, resume=True)
    reporter = RecordingReporter()
    train(tiny_config(source, png_steps=3), run, resume=True, reporter=reporter)
    assert [record['step'] for record in reporter.records] == [5, 6]


def test_collapse_is_reported_after_some_readings_and_not_again_at_once():
    monitor = CollapseMonitor(8)
    bad, good = {'cope': math.log(9) - 0.01, 'ae': 0.001}, {'cope': 0.1, 'ae': 0.8}
    warnings = [monitor.warning(**bad) for _ in range(2 * READINGS)]
    assert [bool(text) for text in warnings] == ([False] * (READINGS - 1) + [True]) * 2
    assert 'AE = 0.001' in warnings[READINGS - 1]
    assert 'raise beta' in warnings[READINGS - 1]
    assert [monitor.warning(**bad) for _ in range(READINGS - 1)] == [None] * (READINGS - 1)
    monitor.warning(**good)
    assert monitor.warning(**bad) is None


def test_the_learning_rate_warms_up_and_falls_in_each_stage():
    config = TrainConfig(mae_steps=100, png_steps=200, warmup_steps=10, lr=1.0)
    for stage in stages(config):
        rates = [learning_rate(step, stage, config) for step in range(stage.start, stage.stop)]
        assert rates[0] == pytest.approx(0.1)
        assert max(rates) == rates[10] == 1.0
        assert rates[10:] == sorted(rates[10:], reverse=True)
        assert rates[-1] < 0.02


@pytest.mark.parametrize(('values', 'message'), [
    ({'mae_steps': 0, 'png_steps': 0}, 'nothing to train'),
    ({'pool': 100}, r'pool = 100: a view takes model.points = 512'),
    ({'sources': [3]}, 'source 3'),
    ({'betta': 1.0}, "did you mean 'beta'"),
    ({'model': {'depht': 1}}, "did you mean 'depth'"),
])
def test_configurations_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig.from_mapping(values)


