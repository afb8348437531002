"""Weights and configurations of models that cannot be right: each is refused before it is used."""

import json
import logging
import os

from helpers.checkpoints import rehash
import pytest
import safetensors.torch
import torch

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.embedding.networks.classification_heads import LinearProbe
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.factory import make_network
from pointpng_core.errors import FileError
from pointpng_core.estimation.recognition.classifier_files import load_classifier, save_classifier
from pointpng_core.io.checkpoints import read_checkpoint, step_folder, write_checkpoint

TINY = ModelConfig(points=64, patches=8, patch_size=8, width=16, depth=1, heads=2, projector=16,
                   degree_max=2, copies=2, dim=18)
STEERABLE = ModelConfig.from_mapping({**TINY.to_mapping(), 'encoder': 'steerable'})


def save(folder, change=lambda tensors: None, config=TINY):
    torch.manual_seed(0)
    tensors = dict(make_network(config).state_dict())
    change(tensors)
    write_checkpoint(folder, tensors=tensors, config={'model': config.to_mapping()})
    return folder


def first_weight(tensors):
    return next(name for name, tensor in tensors.items() if tensor.ndim == 2)


def with_value(value, *, everywhere):
    def change(tensors):
        for name in list(tensors) if everywhere else [first_weight(tensors)]:
            if tensors[name].is_floating_point():
                tensors[name] = tensors[name].clone()
                if everywhere:
                    tensors[name].fill_(value)
                else:
                    tensors[name].view(-1)[0] = value
    return change


def as_type(kind):
    def change(tensors):
        name = first_weight(tensors)
        tensors[name] = tensors[name].to(kind)
    return change


@pytest.mark.parametrize('config', [TINY, STEERABLE], ids=['transformer', 'steerable'])
@pytest.mark.parametrize(('change', 'message'), [
    (with_value(float('nan'), everywhere=True), 'not finite'),
    (with_value(float('inf'), everywhere=False), 'not finite'),
    (with_value(3e38, everywhere=False), r'beyond 1e\+06'),
    (with_value(0.0, everywhere=True), 'give no embeddings'),
    (as_type(torch.float64), 'has the type torch.float64 instead of torch.float32'),
    (as_type(torch.int32), 'has the type torch.int32'),
    (as_type(torch.bfloat16), 'has the type torch.bfloat16')])
def test_weights_that_cannot_be_right_are_refused(tmp_path, change, message, config):
    load_model(save(tmp_path / 'right', config=config))
    with pytest.raises(FileError, match=message):
        load_model(save(tmp_path / 'wrong', change, config))


def test_a_huge_network_is_refused_before_it_is_built(tmp_path):
    folder = save(tmp_path / 'model')
    huge = ModelConfig(width=2048, depth=48, heads=1, decoder_depth=24, projector=8192, copies=256,
                       degree_max=12)                               # some 10 GB of weights
    content = json.loads((folder / 'config.json').read_text())
    (folder / 'config.json').write_text(json.dumps({**content, 'model': huge.to_mapping()}))
    rehash(folder)
    with pytest.raises(FileError, match='are not those of the configured'):
        load_model(folder)


@pytest.mark.parametrize('change', [
    {'features': 10**12}, {'classes': 10**12}, {'classes': 3}, {'features': '16'},
    {'kind': ['linear_probe']}, {'kind': 'pickle'}, {'more': 1}])
def test_a_head_that_does_not_fit_is_refused(tmp_path, change):
    network = make_network(TINY)
    save_classifier(tmp_path, network=network, labels=('a', 'b'), metrics={},
                    head=LinearProbe(features=network.feature_size, classes=2))
    assert load_classifier(tmp_path).labels == ('a', 'b')
    content = json.loads((tmp_path / 'config.json').read_text())
    content['head'] |= change
    (tmp_path / 'config.json').write_text(json.dumps(content))
    rehash(tmp_path)
    with pytest.raises(FileError, match='head = '):
        load_classifier(tmp_path)


def test_a_head_without_finite_weights_is_refused(tmp_path):
    network = make_network(TINY)
    head = LinearProbe(features=network.feature_size, classes=2)
    torch.nn.init.constant_(head.linear.weight, float('nan'))
    save_classifier(tmp_path, network=network, labels=('a', 'b'), metrics={}, head=head)
    with pytest.raises(FileError, match='not finite'):
        load_classifier(tmp_path)


def test_the_checkpoint_of_an_unfinished_run_is_named(tmp_path, caplog):
    save(step_folder(tmp_path, 7))
    with caplog.at_level(logging.WARNING):
        load_model(tmp_path)
        assert 'is not finished' in caplog.text
        assert 'step_00000007' in caplog.text
        caplog.clear()
        load_model(step_folder(tmp_path, 7))                        # asked for by its name
        save(tmp_path / 'model')
        load_model(tmp_path)
        assert not caplog.text


def test_endless_files_of_a_checkpoint_are_not_read(tmp_path):
    folder = save(tmp_path / 'model')
    (folder / 'model.safetensors').unlink()
    os.mkfifo(folder / 'model.safetensors')
    with pytest.raises(FileError, match='not a regular file'):
        read_checkpoint(folder)
    (folder / 'SHA256SUMS').unlink()
    os.mkfifo(folder / 'SHA256SUMS')
    with pytest.raises(FileError, match='not a regular file'):
        read_checkpoint(folder)


def test_a_safetensors_file_that_declares_more_than_it_has(tmp_path):
    folder = save(tmp_path / 'model')
    header = json.dumps({'w': {'dtype': 'F32', 'shape': [10**6, 10**6],
                               'data_offsets': [0, 4 * 10**12]}}).encode()
    for content in (len(header).to_bytes(8, 'little') + header, (10**15).to_bytes(8, 'little'),
                    b'', safetensors.torch.save({})[:4]):
        (folder / 'model.safetensors').write_bytes(content)
        rehash(folder)
        with pytest.raises(FileError):
            load_model(folder)
