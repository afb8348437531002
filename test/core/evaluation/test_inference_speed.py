"""The benchmark of batches: what it times, and that wrong answers show."""

from dataclasses import replace
import json
import re
from time import perf_counter, sleep

import numpy as np
import pytest
import torch

from pointpng_core.cli import main as cli
from pointpng_core.cli.evaluate import batch as evaluate_batch
from pointpng_core.errors import ConfigError
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.speed import inference as batch_speed
from pointpng_core.evaluation.speed import memory
from pointpng_core.evaluation.speed.inference import BatchSize, bench_batch, make_scene
from pointpng_core.reference.builder import ReferenceConfig
from pointpng_core.timing import StageTimer, stages_end_with

SIZE = BatchSize(observations=3, references=2, views=12)


@pytest.fixture(scope='module')
def estimator():
    return PoseEstimator(config=EstimatorConfig(
        reference=ReferenceConfig(views=12, surface_points=1000)))


@pytest.fixture(scope='module')
def scene(estimator):
    return make_scene(estimator, SIZE, seed=0)[0]


def estimates(scene, *, name=None, shift_m=0.0):
    """Return the true pose of every observation as an estimate, changed as asked."""
    found = []
    for seen in scene.observations:
        T = seen.T_observation_object.copy()
        T[0, 3] += shift_m
        found.append([PoseEstimate(
            name=name or seen.name, T_observation_reference=T, score=1.0, residual_m=0.0,
            inlier_share=1.0, ambiguous=False, features=np.zeros(1),
            stage_ms={'search': 4.0, 'refine': 1.0})])
    return found


def test_from_command_to_table_and_documented_json(tmp_path, capsys):
    words = ('--observations', '3', '--references', '2', '--views', '12', '--repeats', '1')
    assert cli.main(['evaluate', 'batch', *words, '--json', str(tmp_path / 'result.json')]) == 0
    result, table = json.loads((tmp_path / 'result.json').read_text()), capsys.readouterr().out
    named = set(re.findall(r'"([^"]+)"', evaluate_batch.__doc__))
    assert set(result) <= named
    assert (result['observations'], result['references'], result['views']) == (3, 2, 12)
    for part, count in (('single', 1), ('batch', 3)):
        values = result[part]
        assert set(values) | set(values['stage_ms']) <= named
        assert values['poses_per_s'] == pytest.approx(1e3 * count / values['ms'])
        assert min(values['stage_ms'].values()) > 0
        assert values['right_label'] == values['right_pose'] == 1
    assert 'batch, 3 x 2' in table
    assert '12 views of each reference' in table


def test_few_observations_show_as_many_objects_as_can_be(scene):
    assert len(scene.observations) == 3
    assert [seen.name for seen in scene.observations[:2]] == [
        known.name for known in scene.references]
    assert {len(known.views.directions) for known in scene.references} == {SIZE.views}


def test_wrong_labels_and_wrong_poses_show(scene):
    assert batch_speed._right(scene, estimates(scene)) == {'right_label': 1, 'right_pose': 1}
    right = batch_speed._right(scene, estimates(scene, name=scene.references[0].name))
    assert right == {'right_label': pytest.approx(2 / 3), 'right_pose': pytest.approx(2 / 3)}
    assert batch_speed._right(scene, estimates(scene, shift_m=0.1)) == {'right_label': 1,
                                                                        'right_pose': 0}
    assert batch_speed._right(scene, [[], *estimates(scene)[1:]]) == {
        'right_label': pytest.approx(2 / 3), 'right_pose': pytest.approx(2 / 3)}


def test_what_no_stage_counts_is_the_rest(scene):
    found = estimates(scene)
    stages = batch_speed._stages([6.0, 7.0, 9.0], found)
    assert stages == {'search': 4.0, 'refine': 1.0, 'rest': 2.0}


def test_warm_ups_do_not_count():
    slow_first = iter([0.2, 0.2, 0.0, 0.0, 0.0])
    times_ms, results = batch_speed._timed([lambda: sleep(next(slow_first))] * 3,
                                           torch.device('cpu'))
    assert len(times_ms) == len(results) == 3
    assert max(times_ms) < 200


def test_too_few_views_are_refused(estimator, monkeypatch):
    monkeypatch.setattr(batch_speed, 'view_pairs', lambda *args, **kwargs: [])
    with pytest.raises(ConfigError, match=r'3 observations: .* another seed'):
        make_scene(estimator, SIZE, seed=0)


def test_a_reference_needs_some_views():
    with pytest.raises(ConfigError, match='views'):
        bench_batch(replace(SIZE, views=1))


def test_memory_of_the_process_and_of_a_gpu(monkeypatch):
    before = memory.peak_memory_mb(torch.device('cpu'))
    allocated = np.ones(int(before * 2 ** 20) // 8 + 2 ** 23)
    assert memory.peak_memory_mb(torch.device('cpu')) >= allocated.nbytes / 2 ** 20
    monkeypatch.setattr(torch.cuda, 'max_memory_allocated', lambda device: 3 * 2 ** 20)
    assert memory.peak_memory_mb(torch.device('cuda')) == 3


def test_a_stage_ends_when_the_device_has_finished_it():
    """As on a GPU: the work is asked for at once, and waited for later."""
    clock, start = StageTimer(), perf_counter()
    with clock('asked'):
        pass
    with stages_end_with(lambda: sleep(0.05)), clock('finished'):
        pass
    with clock('asked'):
        pass
    assert clock.stage_ms['asked'] < 50 <= clock.stage_ms['finished']
    assert sum(clock.stage_ms.values()) <= 1e3 * (perf_counter() - start)
