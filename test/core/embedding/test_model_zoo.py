"""Models by name and by folder, and what becomes of them in the estimator."""

from helpers.checkpoints import edit_config
from helpers.objects import moved, pose, random_rotation_matrix, whole
import numpy as np
import pytest
import torch

import pointpng_core
from pointpng_core.embedding import model_zoo as zoo
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.embedding.encoders.learned import BATCH, TransformerEncoder
from pointpng_core.embedding.model_zoo import load_model, model_folder
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry.so3.random import random_rotations
from pointpng_core.io.checkpoints import (
    read_checkpoint,
    step_folder,
    weights_sha256,
    write_checkpoint,
)
from pointpng_core.simulation.shapes.catalogue import make_object

TINY = ModelConfig(points=64, patches=8, patch_size=8, width=16, depth=1, heads=2, projector=16,
                   degree_max=2, copies=2, dim=18)


def network(seed=0, config=TINY):
    torch.manual_seed(seed)
    return PointPng(config)


def save(folder, seed=0, config=TINY, **changes):
    write_checkpoint(folder, tensors=network(seed, config).state_dict(), config={
        'step': seed, 'stage': 'point_png', 'model': config.to_mapping(),
        'labels': ['mug', 'bowl'], **changes})
    return folder


def clouds(count=3, points=64, seed=0):
    made = torch.randn(count, points, 3, generator=torch.Generator().manual_seed(seed)) / 3
    return made - made.mean(dim=1, keepdim=True)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A folder of shipped models with one in it, named small."""
    monkeypatch.setattr(zoo, 'WEIGHTS', tmp_path / 'weights')
    save(tmp_path / 'weights' / 'small', seed=5)
    return tmp_path / 'weights'


def test_the_training_free_model_needs_no_weights():
    model = pointpng_core.load_model()
    assert (model.name, model.labels, model.encoder.points) == ('training_free', (), 0)
    assert model.encoder.key == HarmonicEncoder().key
    R, points = random_rotations(()), clouds()
    rotated = model.encoder.encode(points @ R.T)
    assert torch.allclose(model.cope.apply(R, model.encoder.encode(points)), rotated, atol=1e-5)
    features = model.encoder.features(points)
    assert torch.allclose(model.encoder.features(points @ R.T), features, atol=1e-5)
    assert (features[0] - features[1]).abs().max() > 1e-3
    assert torch.allclose(features.norm(dim=1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize('cope', ['wigner', 'harmonic', 'sie'])
def test_a_checkpoint_gives_what_the_network_gave(tmp_path, cope):
    config = ModelConfig.from_mapping({**TINY.to_mapping(), 'cope': cope})
    model = load_model(save(tmp_path / 'x', config=config))
    original, points = network(config=config).eval(), clouds()
    with torch.no_grad():
        z = original(points)
        assert torch.equal(model.encoder.encode(points), z)
        assert torch.equal(model.encoder.features(points), original.features(points))
        R = random_rotations((3,))
        assert torch.equal(model.cope.apply(R, z), original.cope.apply(R, z))
    assert (model.labels, model.encoder.points) == (('mug', 'bowl'), 64)
    assert model.encoder.dim == model.cope.dim == z.shape[1] == 18


def test_shipped_models_load_by_name_and_go_before_folders(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / 'small', seed=6)
    (weights / 'notes').mkdir()
    assert zoo.shipped_models() == ('training_free', 'small')
    assert load_model('small').encoder.key == load_model(weights / 'small').encoder.key
    assert load_model('./small').encoder.key == load_model(tmp_path / 'small').encoder.key
    assert load_model('small').encoder.key != load_model('./small').encoder.key


def test_every_shipped_model_loads():
    for name in zoo.shipped_models():
        model = load_model(name)
        points = max(model.encoder.points, 64)
        assert model.encoder.encode(clouds(points=points)).shape == (3, model.cope.dim)


def test_a_run_stands_for_its_model_or_its_newest_intact_checkpoint(tmp_path):
    for step in (1, 2, 3):
        save(step_folder(tmp_path, step), seed=step)
    (step_folder(tmp_path, 3) / 'model.safetensors').write_bytes(b'')
    assert model_folder(tmp_path) == step_folder(tmp_path, 2)
    assert load_model(str(tmp_path)).encoder.key == load_model(
        step_folder(tmp_path, 2)).encoder.key
    save(tmp_path / 'model', seed=4)
    assert model_folder(tmp_path) == tmp_path / 'model'


@pytest.mark.parametrize(('name', 'words'), [
    ('smal', r"model 'smal' is neither .*\(training_free, small\).*did you mean 'small'\?"),
    ('/gone/run', 'give one of these names, or the folder'), ('', "model '' is neither"),
    ('x' * 300, 'is neither'), ('~/gone/run', 'is neither'),
    ('training-free', "did you mean 'training_free'")])
def test_unknown_names_are_answered_with_those_there_are(weights, name, words):
    with pytest.raises(ConfigError, match=words):
        load_model(name)


def test_folders_of_something_else_are_refused(tmp_path):
    with pytest.raises(FileError, match=r'neither a checkpoint .* nor a run'):
        load_model(tmp_path)
    folder = save(step_folder(tmp_path, 1))
    with pytest.raises(FileError, match='give the folder of the checkpoint'):
        load_model(folder / 'model.safetensors')
    (folder / 'model.safetensors').write_bytes(b'')
    with pytest.raises(FileError, match=r'in checkpoints/; .*model\.safetensors is damaged'):
        load_model(tmp_path)
    with pytest.raises(ConfigError, match='it has no weights'):
        model_folder('training_free')
    with pytest.raises(ConfigError, match='cuda:99'):
        load_model(device='cuda:99')


@pytest.mark.parametrize(('changes', 'words'), [
    ({'model': None}, 'model = None: expected a mapping'),
    ({'model': {'widht': 16}}, "unknown key 'widht'; did you mean 'width'"),
    ({'model': {**TINY.to_mapping(), 'width': 15}}, 'width'),
    ({'model': {**TINY.to_mapping(), 'width': 32}},
     r'has shape \(.*\) instead of \(.*\) \(and \d+ more\)'),
    ({'model': {**TINY.to_mapping(), 'depth': 2}, 'stage': 'mae'},
     r"the weights \(stage 'mae'\) are not .* is missing"),
    ({'labels': 'mug'}, "labels = 'mug': expected a list"),
    ({'format': 2}, 'written by a newer pointpng_ros')])
def test_configurations_that_do_not_fit_are_refused(tmp_path, changes, words):
    edit_config(save(tmp_path / 'x'), **changes)
    with pytest.raises(FileError, match=words):
        load_model(tmp_path / 'x')


def test_a_head_beside_the_network_does_no_harm_and_other_tensors_do(tmp_path):
    state = network().state_dict()
    config = {'model': TINY.to_mapping()}
    write_checkpoint(tmp_path / 'x', config=config,
                     tensors={**state, 'head.0.weight': torch.ones(2)})
    assert load_model(tmp_path / 'x').encoder.key == TransformerEncoder(network()).key
    write_checkpoint(tmp_path / 'x', config=config, tensors={**state, 'hat': torch.ones(2)})
    with pytest.raises(FileError, match='hat is unknown'):
        load_model(tmp_path / 'x')


def test_the_key_names_weights_and_configuration(tmp_path):
    folder = save(tmp_path / 'x')
    key = load_model(folder).encoder.key
    assert key.endswith(read_checkpoint(folder).sha256)
    assert key.endswith(weights_sha256(network().state_dict()))
    heads = ModelConfig.from_mapping({**TINY.to_mapping(), 'heads': 4})   # the same weights fit
    assert len({key, TransformerEncoder(network(seed=1)).key,
                TransformerEncoder(network(config=heads)).key}) == 3


def test_large_batches_are_cut_and_give_the_same(monkeypatch):
    encoder, points = TransformerEncoder(network()), clouds(2 * BATCH + 3)
    sizes = []
    encoder.network.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    z = encoder.encode(points)
    assert sizes == [BATCH, BATCH, 3]
    one_by_one = torch.cat([encoder.encode(cloud[None]) for cloud in points])
    assert torch.allclose(z, one_by_one, atol=1e-5)
    assert not z.requires_grad
    assert not z.is_inference()


def test_the_first_points_count_and_small_clouds_are_repeated():
    encoder, points = TransformerEncoder(network()), clouds(points=100)
    assert torch.equal(encoder.encode(points), encoder.encode(points[:, :64]))
    few = points[:, :24]
    assert torch.equal(encoder.encode(few), encoder.encode(few.repeat(1, 3, 1)[:, :64]))


def test_encoding_in_units_of_each_diameter():
    encoder, points = TransformerEncoder(network()), clouds(4)
    diameters = torch.tensor([0.5, 1.0, 2.0])
    z = encoder.encode_at(points, diameters)
    naive = torch.stack([encoder.encode(points / diameter) for diameter in diameters])
    assert torch.allclose(z, naive, atol=1e-6)
    assert (z[0] - z[2]).abs().max() > 1e-4


def test_the_estimator_works_with_a_learned_model(tmp_path):
    """Untrained weights find no pose in embedding space; that the parts fit is what counts."""
    folder = save(tmp_path / 'x')
    estimator = PoseEstimator(model=folder, cache_dir=tmp_path / 'cache')
    assert estimator.model.encoder.points == estimator.config.search.sample == 64
    mug = make_object('mug').mesh
    reference = estimator.reference_from_model(mug, name='mug')
    assert reference.embedding.shape == (18,)
    again = PoseEstimator(model=load_model(folder), cache_dir=tmp_path / 'cache')
    assert torch.equal(again.reference_from_model(mug, name='mug').embedding, reference.embedding)
    assert len(list((tmp_path / 'cache').iterdir())) == 1
    plain = PoseEstimator(cache_dir=tmp_path / 'cache')
    assert plain.reference_from_model(mug, name='mug').embedding.shape == (810,)
    seen = moved(pose(random_rotation_matrix(0), (0.0, 0.0, 1.0)), whole('mug'))
    for viewpoint in ('none', 'sensor'):
        (found,), = estimator.estimate_batch([seen], [reference], viewpoint=viewpoint)
        R = np.asarray(found.T_observation_reference)[:3, :3]
        assert np.allclose(R @ R.T, np.eye(3), atol=1e-4)
