"""A tiny model and a few objects: training runs of a second, for the tests."""

import json
import os
import signal

import numpy as np

from pointpng_core.io.checkpoints import read_checkpoint
from pointpng_core.training.config import TrainConfig
from pointpng_core.training.metrics_log import read_metrics
from pointpng_core.training.trainer import train

MODEL = {'points': 32, 'patches': 8, 'patch_size': 8, 'width': 24, 'depth': 1, 'heads': 2,
         'decoder_depth': 1, 'projector': 32, 'degree_max': 2, 'copies': 2, 'dim': 16}
VALUES = {'pool': 64, 'mae_steps': 3, 'png_steps': 5, 'batch': 4, 'views': 2, 'warmup_steps': 2,
          'validation_share': 0.25, 'checkpoint_every': 2, 'keep': 100, 'log_every': 1,
          'validate_every': 4, 'threads': 1, 'negatives': 8, 'png_mask': 0.0, 'model': MODEL}
STEERABLE = {'mae_steps': 0, 'png_steps': 8, 'ema': 0.5, 'model': {'encoder': 'steerable'},
             'steerable': {'view_points': 32, 'whole_points': 32, 'rotations': 100, 'views': 2}}
TIMES = ('clouds_per_s',)


def write_objects(folder, *, objects=16, seed=0):
    """Write an npz of random blobs with handles, of two classes, and return its path."""
    random = np.random.default_rng(seed)
    stretch = np.where(np.arange(objects)[:, None] % 2, (0.9, 0.3, 0.2), (0.5, 0.5, 0.4))
    points = random.normal(size=(objects, 128, 3)) * stretch[:, None] / 4
    points[:, :40] = points[:, :40] / 2 + (0.3, 0.2, 0.1)  # a handle, so that all rotations differ
    path = folder / 'blobs.npz'
    np.savez(path, points=np.clip(points * 32767, -32767, 32767).astype(np.int16),
             label=(np.arange(objects) % 2).astype(np.uint8),
             split=np.zeros(objects, np.uint8), class_names=np.array(['long', 'round']))
    return path


def weights(run_dir):
    """Return the tensors of a run's model."""
    return read_checkpoint(run_dir / 'model').tensors


def tiny_config(source, **changes):
    """Return a tiny TrainConfig on one source; `model` changes are merged."""
    model = {**MODEL, **changes.pop('model', {})}
    return TrainConfig.from_mapping({**VALUES, 'sources': [str(source)], **changes,
                                     'model': model})


class RecordingReporter:
    """A reporter that records its messages, and can stop the run as Ctrl-C does."""

    def __init__(self, stop_at=None):
        self.lines, self.records, self._stop_at = [], [], stop_at

    def line(self, text):
        self.lines.append(text)

    def progress(self, done, total, text):
        pass

    def step(self, record, total):
        self.records.append(record)
        if record['step'] == self._stop_at:
            os.kill(os.getpid(), signal.SIGINT)


def curve(run_dir):
    """Return the metrics of a run without times, as exact text."""
    return [json.dumps({key: value for key, value in record.items() if key not in TIMES})
            for record in read_metrics(run_dir)]


__all__ = ['MODEL', 'VALUES', 'RecordingReporter', 'curve', 'tiny_config', 'train',
           'write_objects']
