"""A training run of some minutes: it follows the clock, and signals are something else."""

import itertools

from helpers.training import RecordingReporter, tiny_config, train
import pytest

from pointpng_core.io.checkpoints import latest_checkpoint, read_checkpoint
from pointpng_core.training import signals
from pointpng_core.training.signals import TimeUp


def test_the_time_limit_follows_the_clock(source, tmp_path, monkeypatch):
    """A clock that advances a minute at every reading: two minutes are two steps."""
    clock = itertools.count(0.0, 60.0)
    monkeypatch.setattr(signals, 'monotonic', lambda: next(clock))
    reporter = RecordingReporter()
    with pytest.raises(TimeUp):
        train(tiny_config(source), tmp_path / 'run', minutes=2, reporter=reporter)
    assert read_checkpoint(latest_checkpoint(tmp_path / 'run')).config['step'] == 2
    assert reporter.lines[-1] == ('stopped after step 2: an unfinished model; continue with '
                                  '--resume')


def test_a_signal_is_not_mistaken_for_the_end_of_the_time(source, tmp_path):
    with pytest.raises(KeyboardInterrupt) as caught:
        train(tiny_config(source), tmp_path / 'run', minutes=60,
              reporter=RecordingReporter(stop_at=2))
    assert not isinstance(caught.value, TimeUp)
