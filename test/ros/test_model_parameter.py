"""The node's parameter `model`: a name or a folder, and what it says to anything else."""

import pytest
from test_node_real import node
import torch

from pointpng_core.embedding.networks.config import ModelConfig
from pointpng_core.embedding.networks.point_png import PointPng
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.checkpoints import step_folder, write_checkpoint
from pointpng_core.simulation.catalogue_library import write_catalogue
from pointpng_ros.parameters.node_config import NodeConfig
from pointpng_ros.parameters.parameter_specs import pose_estimator_groups
from pointpng_ros.parameters.parameters import describe
from pointpng_ros.processing.pipeline_factory import PipelineFactory

TINY = ModelConfig(points=64, patches=8, patch_size=8, width=16, depth=1, heads=2, projector=16,
                   degree_max=2, copies=2)


@pytest.fixture
def run_dir(tmp_path):
    """A training run with one checkpoint of an untrained network."""
    folder = tmp_path / 'a run: 1'    # YAML would read this otherwise
    write_checkpoint(step_folder(folder, 1), tensors=PointPng(TINY).state_dict(),
                     config={'model': TINY.to_mapping()})
    return folder


def factory(model, **values):
    configs = {group.prefix: group.defaults for group in pose_estimator_groups()}
    configs[''] = NodeConfig(model=str(model), cache_dir='', **values)
    return PipelineFactory(configs, lambda line: None)


def test_the_parameter_takes_any_text_and_says_what_it_means():
    spec = next(spec for spec in pose_estimator_groups()[0].specs() if spec.name == 'model')
    assert (spec.default, spec.choices, describe(spec).read_only) == ('training_free', (), False)
    assert 'checkpoint' in spec.help


def test_a_run_drives_the_pipeline(run_dir, tmp_path):
    write_catalogue(tmp_path / 'library', ('mug',))
    (trained,) = factory(run_dir, objects=str(tmp_path / 'library')).library()
    (free,) = factory('training_free', objects=str(tmp_path / 'library')).library()
    assert (trained.embedding.shape, free.embedding.shape) == ((18,), (810,))
    assert torch.isfinite(trained.views.embeddings).all()


def test_models_that_cannot_be_used_are_refused_before_anything_starts(run_dir):
    with pytest.raises(ConfigError, match="did you mean 'training_free'"):
        factory('training_fre')
    (step_folder(run_dir, 1) / 'model.safetensors').write_bytes(b'')
    with pytest.raises(FileError, match=r'model\.safetensors is damaged'):
        factory(run_dir)


def test_an_unknown_model_ends_the_node_with_one_line(domain):
    with node('model:=smal') as process:
        assert process.wait(timeout_s=60) == 1
        assert "model 'smal' is neither one that ships with pointpng_ros (training_free" \
            in process.output
        assert 'Traceback' not in process.output


def test_the_node_runs_with_a_trained_model(domain, run_dir):
    with node(f'model:="{run_dir}"') as process:
        process.wait_for_output('listening on')
