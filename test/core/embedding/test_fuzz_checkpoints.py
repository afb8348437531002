"""Mutated checkpoints and classifiers, under right hashes: a model that answers, or an error."""

import json
from pathlib import Path
import shutil

from helpers.checkpoints import rehash
from helpers.fuzzing import each_size, fuzz
from helpers.mutations import mutated
import pytest
import torch

from pointpng_core.embedding.model_zoo import load_model
from pointpng_core.embedding.networks.classification_heads import LinearProbe
from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.factory import make_network
from pointpng_core.estimation.recognition.classifier_files import load_classifier, save_classifier
from pointpng_core.io.checkpoints import read_trainer_state, write_checkpoint

TINY = ModelConfig(points=16, patches=4, patch_size=4, width=16, depth=1, heads=1, decoder_depth=1,
                   projector=16, degree_max=1, copies=1)
JSON_WORDS = (b'null', b'NaN', b'1e999', b'9' * 5000, b'[', b'{', b'"wigner"', b'"steerable"',
              b'-1', b'true', b'"kind": "x", ', b'"labels": ["\\u001b"], ', b'65536', b'2048')


@pytest.fixture
def folder(tmp_path):
    """A checkpoint of a tiny network with a head."""
    torch.manual_seed(0)
    torch.set_num_threads(1)                            # its threads would not survive the fork
    network = make_network(TINY)
    save_classifier(tmp_path / 'model', network=network, labels=('a', 'b'), metrics={},
                    head=LinearProbe(features=network.feature_size, classes=2))
    return tmp_path / 'model'


def reader(folder: Path, name: str, use, *, hashed=True):
    def read(data):
        copy = folder.with_name('copy')
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        (copy / name).write_bytes(data)
        if hashed:
            rehash(copy)
        use(copy)
    return read


def use_model(copy):
    model = load_model(copy)
    z = model.encoder.encode(torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(1)))
    assert torch.isfinite(z).all()
    assert z.shape == (2, model.encoder.dim)
    assert all(isinstance(label, str) for label in model.labels)


def use_classifier(copy):
    stored = load_classifier(copy)
    features = torch.zeros(2, stored.network.feature_size)
    assert stored.head(features).shape == (2, len(stored.labels))


@each_size
@pytest.mark.parametrize('use', [use_model, use_classifier])
def test_weights(folder, inputs, use):
    seed = (folder / 'model.safetensors').read_bytes()
    words = (b'"F32"', b'"BF16"', b'"I64"', b'"shape":[', b'[0,99999999999]', b'"__metadata__":',
             b'\x00\x00\xc0\x7f', b'\x00\x00\x80\x7f', b'\xff\xff\x7f\x7f')
    fuzz(reader(folder, 'model.safetensors', use), mutated([seed], tokens=words),
         inputs=inputs // 2, name=f'weights {use.__name__}').check()


@each_size
@pytest.mark.parametrize('use', [use_model, use_classifier])
def test_their_configurations(folder, inputs, use):
    seed = json.dumps(json.loads((folder / 'config.json').read_bytes())).encode()
    fuzz(reader(folder, 'config.json', use), mutated([seed], tokens=JSON_WORDS),
         inputs=inputs // 2, name=f'config.json {use.__name__}').check()


@each_size
def test_lists_of_hashes(folder, inputs):
    seed = (folder / 'SHA256SUMS').read_bytes()
    words = (b'../', b'/etc/passwd', b'..', b'  ', b'\n', b'config.json', b'x' * 300)
    fuzz(reader(folder, 'SHA256SUMS', use_model, hashed=False), mutated([seed], tokens=words),
         inputs=inputs, name='SHA256SUMS').check()


@each_size
def test_states_of_trainings(tmp_path, inputs):
    folder = tmp_path / 'model'
    write_checkpoint(folder, tensors={'w': torch.ones(3)}, config={},
                     trainer_tensors={'model.w': torch.ones(3)}, trainer_state={'step': 3})

    def use(copy):
        tensors, state = read_trainer_state(copy)
        assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
        assert isinstance(state, dict)

    for name in ('trainer.safetensors', 'trainer.json'):
        fuzz(reader(folder, name, use), mutated([(folder / name).read_bytes()],
             tokens=JSON_WORDS), inputs=inputs // 2, name=name).check()
