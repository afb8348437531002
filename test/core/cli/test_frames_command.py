"""`pointpng frames`: what it asks for, shows and writes; the work is tested in its own room."""

import json
import re
import sys
from types import SimpleNamespace

from helpers.bags import write_bag
from helpers.depth_bags import write_depth_bag
from helpers.pool_workers import make_tasks
from helpers.recordings import make_settings
import pytest

from pointpng_core.cli import frames, frames_progress
from pointpng_core.cli import main as cli
from pointpng_core.evaluation.recordings import result_file, run
from pointpng_core.evaluation.recordings.run import Outcome
from pointpng_core.evaluation.recordings.tasks import failure

DONE = {**failure(None), 'frames': 20, 'poses': 37, 'wall_s': 4.0}
LOST = failure('no bag at all')
DAMAGED = {**DONE, 'damage': 'it is truncated'}


@pytest.fixture
def bags(tmp_path):
    """A folder with two bags; paths of it, and of a library that is not there."""
    for kind in ('mcap', 'db3'):
        write_bag(tmp_path, kind, count=1)
    return str(tmp_path), '--objects', str(tmp_path / 'gone')


@pytest.fixture
def asked(monkeypatch):
    """What would be processed; the outcomes are a good, a damaged and a failed recording."""
    calls = []

    def process(recordings, out, settings, *, run, events, overwrite, parquet):
        calls.append(SimpleNamespace(recordings=recordings, settings=settings, run=run,
                                     overwrite=overwrite, parquet=parquet))
        tasks = make_tasks(['good', 'short', 'lost'], out)
        events.planned(2, 1)
        for task, summary in zip(tasks[1:], (DAMAGED, LOST)):
            events.started(task)
            events.progress(task, 1, 20)
            events.finished(task, summary)
        return [Outcome(task=task, summary=summary, kept=task is tasks[0])
                for task, summary in zip(tasks, (DONE, DAMAGED, LOST))]

    monkeypatch.setattr(run, 'process_recordings', process)
    return calls


def test_many_bags_need_a_folder_for_the_results(bags, capsys):
    assert cli.main(['frames', *bags]) == 2
    assert 'name a folder for the results with --out' in capsys.readouterr().err


@pytest.mark.parametrize('option', [['--parquet'], ['--overwrite'], ['--workers', '2'],
                                    ['--ray', 'auto']])
def test_options_of_many_recordings_need_it_too(bags, capsys, option):
    assert cli.main(['frames', *bags, *option]) == 2
    assert f'{option[0]} is for many recordings' in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(bags, tmp_path, capsys, monkeypatch):
    def process(*_, **__):
        raise KeyboardInterrupt
    monkeypatch.setattr(run, 'process_recordings', process)
    assert cli.main(['frames', *bags, '--out', str(tmp_path / 'out')]) == 130
    assert capsys.readouterr().err == 'interrupted; run the same command again to go on\n'


def test_the_outcome_is_summed_up_and_written_as_documented(bags, asked, tmp_path, capsys):
    target = tmp_path / 'all.json'
    words = ['--out', str(tmp_path / 'out'), '--json', str(target), '--parquet', '--frames', '3',
             '--sensor', 'tof']
    assert cli.main(['frames', *bags, *words]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f'3 recordings in {tmp_path / "out"}: 40 clouds, 0 refused, 74 poses (1 finished before)',
        'damaged: it is truncated', 'failed: lost: no bag at all']
    assert err.splitlines() == [
        '2 recordings to process, 1 were finished before',
        '[1/2] short: 20 clouds, 37 poses, 4.0 s, 5.0 clouds/s',
        '[2/2] lost: failed: no bag at all']
    (call,) = asked
    assert [recording.name for recording in call.recordings] == ['db3', 'mcap']
    assert (call.settings.frames, call.parquet, call.overwrite) == (3, True, False)
    assert call.settings.objects.is_absolute()
    assert call.settings.depth_noise.profile == 'tof'
    result = json.loads(target.read_text())
    assert (result['failed'], len(result['recordings'])) == (1, 3)
    named = set(re.findall(r'\w+', frames.__doc__))
    assert set(result) <= named
    assert set(result['recordings'][0]) <= named


def test_warnings_of_clouds_are_summed_up(tmp_path):
    warned = {**DONE, 'warned': 19, 'warning': 'seen from behind'}
    refused = {**DONE, 'refused': 20, 'refusal': 'CameraInfo of zeros', 'poses': 0}
    some = {**DONE, 'refused': 19, 'refusal': 'too few points'}
    tasks = make_tasks(['behind', 'zeros', 'some'], tmp_path)
    report = frames._report([Outcome(task=task, summary=summary, kept=False) for task, summary
                             in zip(tasks, (warned, refused, some))], tmp_path)
    assert report.splitlines()[1:] == [
        'warning: behind: 19 of 20 clouds, the first: seen from behind',
        'warning: zeros: all 20 clouds were refused, the first because: CameraInfo of zeros']


@pytest.mark.parametrize('out', [False, True])
def test_a_bag_whose_depth_images_are_all_refused_ends_with_a_warning(tmp_path, capsys, out):
    write_depth_bag(tmp_path, count=2, focal_px=0.0)
    settings = make_settings(tmp_path)
    words = ['frames', str(tmp_path / 'depth'), '--objects', str(settings.objects)]
    assert cli.main([*words, *(['--out', str(tmp_path / 'out'), '--workers', '1'] * out)]) == 0
    printed = ''.join(capsys.readouterr())
    assert 'all 2 clouds were refused, the first because: CameraInfo without focal' in printed


def test_keys_of_summaries_are_documented():
    assert set(failure('x')) <= set(re.findall(r'\w+', result_file.__doc__))


def test_live_bars_end_with_the_same_lines(tmp_path):
    console = pytest.importorskip('rich.console', reason='needs rich (the extra [demo])')
    from rich.progress import Progress
    screen = console.Console(record=True, width=100, file=(tmp_path / 'screen').open('w'))
    with Progress(console=screen, auto_refresh=False) as bars:
        events = frames_progress.LiveEvents(bars)
        task, = make_tasks(['short'])
        events.planned(1, 2)
        events.started(task)
        events.progress(task, 4, 20)
        assert [(bar.completed, bar.total) for bar in bars.tasks] == [(2, 3), (4, 20)]
        events.finished(task, DAMAGED)
        assert [(bar.completed, bar.total) for bar in bars.tasks] == [(3, 3)]
    assert frames_progress.finished_line(task, DAMAGED) in screen.export_text()


@pytest.mark.parametrize(('package', 'option', 'extra'), [
    ('ray', ['--ray', 'auto'], 'cluster'), ('pyarrow', ['--parquet'], 'parquet')])
def test_a_missing_extra_is_named(bags, tmp_path, capsys, monkeypatch, package, option, extra):
    monkeypatch.setitem(sys.modules, package, None)
    assert cli.main(['frames', *bags, '--out', str(tmp_path / 'out'), *option]) == 2
    assert f"pip install 'pointpng_ros[{extra}]'" in capsys.readouterr().err
