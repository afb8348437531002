"""Objects, pair files, encoders and checkpoints for the tests of the evaluation."""

import json
import re
from types import SimpleNamespace

import numpy as np
from scipy.spatial.transform import Rotation
import torch

from helpers.objects import pose, random_rotation_matrix, whole
from helpers.training import MODEL
from pointpng_core.cli import evaluate
from pointpng_core.cli import main as cli
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.io.checkpoints import write_checkpoint
from pointpng_core.training.data import ObjectSet

NAMES = ('mug', 'bracket', 'bottle', 'bowl')


def object_set(points, labels=None, *, name='shapes', class_names=('long', 'round')):
    """An ObjectSet of clouds (K, P, 3), each centred and of about unit size."""
    points = torch.as_tensor(np.asarray(points), dtype=torch.float32)
    points = points - points.mean(dim=1, keepdim=True)
    points = points / (2 * points.norm(dim=2).amax(dim=1)[:, None, None])
    if labels is None:
        labels = torch.full((len(points),), -1)
    return ObjectSet(name=name, points=points, normals=torch.zeros_like(points),
                     labels=torch.as_tensor(labels),
                     class_names=tuple(class_names), weight=1.0, provenance={},
                     names=tuple(str(row) for row in range(len(points))))


def catalogue_set(count=8, points=400, **options):
    """Real shapes in the pose in which the catalogue keeps them."""
    return object_set([whole(NAMES[row % len(NAMES)], points, seed=row) for row in range(count)],
                      **options)


def blobs(count, *, seed, points=64, upright=True):
    """Clouds of two classes, long along z and round; their shapes differ, their sizes do not."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    stretch = np.where(labels[:, None] == 0, (0.3, 0.3, 0.9), (0.5, 0.5, 0.4))
    clouds = random.normal(size=(count, points, 3)) * stretch[:, None]
    if not upright:
        clouds = clouds @ Rotation.random(count, random_state=seed).as_matrix()
    return object_set(clouds, labels)


class Spread:
    """An encoder that knows only how far clouds reach along x, y and z: not invariant at all."""

    points, dim, key = 0, 3, 'spread'

    def features(self, clouds):
        return clouds.std(dim=1)

    def encode(self, clouds):
        return torch.nn.functional.normalize(clouds.std(dim=1), dim=-1)


class Sizes:
    """An encoder that ignores rotation: moments of the distances from the centroid."""

    points, dim, key = 0, 4, 'sizes'

    def encode(self, clouds):
        radii = clouds.norm(dim=-1)
        moments = torch.stack([(radii ** power).mean(dim=1) for power in range(1, 5)], dim=-1)
        return torch.nn.functional.normalize(moments, dim=-1)


class Identity:
    """A COPE that has collapsed."""

    def apply(self, R, z):
        return z


def fake_model(encoder, cope=None, name='fake'):
    """What `load_model` returns, of parts of one's own."""
    return SimpleNamespace(name=name, encoder=encoder, cope=cope or Identity(), labels=())


def write_model(folder, **values):
    """Write a checkpoint of random weights; returns its path as text."""
    torch.manual_seed(3)
    config = ModelConfig.from_mapping({**MODEL, **values})
    write_checkpoint(folder, tensors=PointPng(config).state_dict(),
                     config={'model': config.to_mapping(), 'labels': [], 'step': 0})
    return str(folder)


def write_labelled(path, *, objects=24, points=128):
    """Write an npz as in shared/data, half of it for tests; returns its path as text."""
    both = [blobs(objects // 2, seed=seed, points=points) for seed in (0, 1)]
    clouds = np.concatenate([part.points.numpy() for part in both])
    np.savez(path, points=np.round(clouds * 32767).astype(np.int16),
             label=np.concatenate([part.labels.numpy() for part in both]).astype(np.uint8),
             split=np.repeat([0, 1], objects // 2).astype(np.uint8),
             class_names=np.array(['long', 'round']))
    return str(path)


def write_pairs(path, count=4, points=400, **replaced):
    """Pairs of a bracket and its resampled, moved copy in the unit ball; returns the poses."""
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.8, 1.2, count).astype(np.float32)
    truths, source, target = [], [], []
    middle = whole('bracket', 4000).mean(axis=0)
    for index in range(count):
        T = pose(random_rotation_matrix(50 + index), rng.uniform(-0.01, 0.01, 3))
        clouds = [(whole('bracket', points, seed) - middle) * 8 for seed in (index, 90 + index)]
        source.append(clouds[0])
        target.append(transform(T, clouds[1]))
        truths.append(T)

    def stored(clouds):
        scaled = np.array(clouds) / scale[:, None, None]
        assert np.abs(scaled).max() < 1
        return np.round(scaled * 32767).astype(np.int16)
    arrays = {'source': stored(source), 'target': stored(target), 'scale': scale,
              'rotation': np.array([Rotation.from_matrix(T[:3, :3]).as_quat() for T in truths]),
              'translation': np.array([T[:3, 3] for T in truths])}
    np.savez(path, **{key: value for key, value in {**arrays, **replaced}.items()
                      if value is not None})
    return truths, source, target


def evaluated(tmp_path, capsys, *words):
    """Run `pointpng evaluate`; returns its JSON and its table."""
    code = cli.main(['evaluate', *map(str, words), '--json', str(tmp_path / 'result.json')])
    out = capsys.readouterr()
    assert code == 0, out.err
    return json.loads((tmp_path / 'result.json').read_text()), out.out


def documented(kind):
    """The names in quotes in the description of a kind's JSON."""
    return set(re.findall(r'"([^"]+)"', evaluate.KINDS[kind].__doc__))
