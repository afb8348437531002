"""`pointpng frames --ray` on a cluster of two nodes that this test starts, and always ends."""

from functools import partial
import os
import sys

from helpers.pool_workers import Silent, StubWorker, make_tasks, unusable
from helpers.recordings import make_settings, without_times, write_recording
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.errors import ConfigError, PointPngError
from pointpng_core.evaluation.recordings.ray_pool import check_cluster, run_on_ray

pytest.importorskip('ray', reason='needs Ray (pip install the extra [cluster])')
pytestmark = pytest.mark.slow
STORE_BYTES = 100 * 2 ** 20


@pytest.fixture(scope='module')
def address():
    """Two nodes of one core each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', os.pathsep.join(sys.path))
        patch.setenv('RAY_USAGE_STATS_ENABLED', '0')
        from ray.cluster_utils import Cluster
        cluster = Cluster(initialize_head=True, head_node_args={
            'num_cpus': 1, 'include_dashboard': False, 'object_store_memory': STORE_BYTES})
        try:
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
            cluster.wait_for_nodes()
            yield cluster.address
        finally:
            cluster.shutdown()


@pytest.fixture
def run(address):
    return partial(run_on_ray, address=address, workers=None, gpu=False)


def test_results_are_those_of_local_processes(address, tmp_path, monkeypatch, capsys):
    for seed, name in enumerate(('a', 'deep/b', 'c')):
        write_recording(tmp_path / 'bags' / name, clouds=3, seed=seed)
    (tmp_path / 'bags' / 'broken.mcap').write_bytes(b'this is no bag at all' * 9)
    settings = make_settings(tmp_path)
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))
    words = ['frames', str(tmp_path / 'bags'), '--objects', str(settings.objects)]
    for out, runner in (('local', ['--workers', '1']), ('ray', ['--ray', address])):
        assert cli.main([*words, '--out', str(tmp_path / out), *runner]) == 1
        assert 'failed: broken.mcap: ' in capsys.readouterr().out
    assert without_times(tmp_path / 'ray') == without_times(tmp_path / 'local')
    assert len(without_times(tmp_path / 'ray')) == 4


def test_both_nodes_work_and_one_that_dies_fails_its_recording_only(run):
    names = ['bag0', 'die', 'bag1', 'leave', 'bag2', 'bag3', 'bag4']
    events = Silent()
    run(make_tasks(names), StubWorker, events=events)
    summaries = dict(events.ended)
    assert sorted(summaries) == sorted(names)
    assert all('was lost' in summaries[name]['error'] for name in ('die', 'leave'))
    good = [summaries[name] for name in names if name.startswith('bag')]
    assert all(summary['error'] is None for summary in good)
    assert len({summary['pid'] for summary in good}) >= 2


def test_a_worker_that_cannot_begin_ends_all(run):
    with pytest.raises(PointPngError, match='the library is another one here'):
        run(make_tasks(['bag0', 'bag1', 'bag2']), unusable, events=Silent())


def test_a_cluster_that_is_not_there_is_named_at_once():
    with pytest.raises(ConfigError, match=r'no Ray cluster answers at 127\.0\.0\.1:9 .*ray start'):
        check_cluster('127.0.0.1:9')
