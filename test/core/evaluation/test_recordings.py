"""Poses in many recordings: the same whoever works, kept when finished, refused when others'."""

from dataclasses import replace
from functools import partial
import json
import shutil

from helpers.pool_workers import Silent
from helpers.recordings import TOPIC, make_settings, without_times, write_recording
import numpy as np
import pytest

from pointpng_core.errors import ConfigError, FileError, LibraryError
from pointpng_core.evaluation.recordings import out_folder
from pointpng_core.evaluation.recordings.bag_list import find_recordings
from pointpng_core.evaluation.recordings.frame_sequence import FrameSequence
from pointpng_core.evaluation.recordings.local_pool import run_local
from pointpng_core.evaluation.recordings.recorded_clouds import choose_stream
from pointpng_core.evaluation.recordings.result_file import read_ends, read_records
from pointpng_core.evaluation.recordings.run import process_recordings
from pointpng_core.evaluation.recordings.settings import FrameModel
from pointpng_core.evaluation.recordings.tasks import failure
from pointpng_core.evaluation.recordings.worker import FrameWorkerMaker
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.io.files import to_jsonable
from pointpng_core.io.object_library import load_library, write_library

pytestmark = pytest.mark.long
CLOUDS = {'a': 3, 'deep/b': 2, 'c': 3}


def in_this_process(tasks, make_worker, *, events):
    """A runner that needs no process: the naive twin of a pool."""
    worker = make_worker()
    for task in tasks:
        events.started(task)
        events.finished(task, worker.process(task, partial(events.progress, task)))


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A folder with three good bags, and a file that only has the name of one."""
    folder = tmp_path_factory.mktemp('recordings')
    for seed, (name, clouds) in enumerate(CLOUDS.items()):
        write_recording(folder / 'bags' / name, clouds=clouds, seed=seed)
    (folder / 'bags' / 'broken.mcap').write_bytes(b'this is no bag at all' * 9)
    return folder


@pytest.fixture(scope='module')
def settings(place):
    return make_settings(place)


def process(place, settings, out, *, run=in_this_process, **options):
    events = Silent()
    outcomes = process_recordings(find_recordings([str(place / 'bags')]), out, settings, run=run,
                                  events=events, **options)
    return {outcome.task.recording.name: outcome for outcome in outcomes}, events


@pytest.fixture(scope='module')
def finished(place, settings):
    """The results of one run in this process."""
    process(place, settings, place / 'finished')
    return place / 'finished'


@pytest.fixture
def out(finished, tmp_path):
    """A copy of them."""
    return shutil.copytree(finished, tmp_path / 'out')


def test_results_do_not_depend_on_the_number_of_processes(place, settings, finished, tmp_path):
    expected = without_times(finished)
    assert sorted(expected) == ['a.jsonl', 'broken.mcap.jsonl', 'c.jsonl', 'deep/b.jsonl']
    outcomes, events = process(place, settings, tmp_path, run=partial(run_local, workers=2))
    assert without_times(tmp_path) == expected
    assert events.plan == (4, 0)
    assert {name: outcome.summary['frames'] for name, outcome in outcomes.items()} == {
        **CLOUDS, 'broken.mcap': 0}


def test_frames_are_those_of_the_pipeline(place, settings, finished):
    sequence = FrameSequence(FrameModel(settings).pipeline())
    with CloudBag(place / 'bags' / 'a') as bag:
        expected = [sequence.process(cloud) for cloud in choose_stream(bag, TOPIC).clouds()]
    header, *frames, summary = read_records(finished / 'a.jsonl')
    assert {item['label'] for frame in frames for item in frame['objects']} == {'drill', 'can'}
    for frame, other in zip(frames, expected, strict=True):
        assert frame['objects'] == to_jsonable(other['objects'])
        assert (frame['stamp_ns'], frame['frame_id']) == (other['stamp_ns'], 'camera')
    assert (header['record'], header['topic'], header['model']) == (
        'header', TOPIC, 'training_free')
    assert summary['poses'] == sum(len(frame['objects']) for frame in frames)
    assert (summary['frames'], summary['damage'], summary['error']) == (3, '', None)


def test_a_broken_bag_stops_no_other_and_is_tried_again(place, settings, finished, out):
    header, summary = read_ends(finished / 'broken.mcap.jsonl')
    assert (header['topic'], header['bag_bytes']) == (None, 189)
    assert 'broken.mcap' in summary['error']
    outcomes, events = process(place, settings, out)
    assert events.plan == (1, 3)
    assert events.begun == ['broken.mcap']
    assert [name for name, outcome in outcomes.items() if not outcome.kept] == ['broken.mcap']
    assert {frozenset(outcome.summary) for outcome in outcomes.values()} == {
        frozenset(failure(None))}
    assert without_times(out) == without_times(finished)


def test_a_truncated_bag_gives_its_beginning_and_its_damage(place, settings, tmp_path):
    storage = shutil.copytree(place / 'bags' / 'c', tmp_path / 'bags' / 'short') / 'c.mcap'
    storage.write_bytes(storage.read_bytes()[:int(storage.stat().st_size * 0.8)])
    outcomes, _ = process(tmp_path, settings, tmp_path / 'out')
    summary = outcomes['short'].summary
    assert summary['frames'] == 2
    assert 'truncated' in summary['damage']
    assert summary['error'] is None


@pytest.mark.parametrize(('change', 'named', 'again'), [
    ({'frames': 2}, 'another --frames', (1, 3)), ({'topic': TOPIC}, 'another --topic', (1, 3)),
    ({'objects': 'fewer'}, 'another library', (1, 3)),
    # Bags of clouds refuse this option, and what failed is tried again.
    ({'depth_scale': 0.1}, 'another --depth-scale', (4, 0))])
def test_results_of_other_settings_are_refused_then_replaced(place, settings, out, change, named,
                                                             again):
    if 'objects' in change:
        change = {'objects': write_fewer(place, settings)}
    changed = replace(settings, **change)
    before = without_times(out)
    with pytest.raises(ConfigError, match=rf'{named}.*and 1 more; replace them with --overwrite'):
        process(place, changed, out)
    assert without_times(out) == before
    _, events = process(place, changed, out, overwrite=True)
    assert events.plan == (4, 0)
    assert without_times(out) != before
    # A second run keeps what is there, with the option as well.
    assert process(place, changed, out, overwrite=True)[1].plan == again


def write_fewer(place, settings):
    folder = place / 'fewer'
    write_library(folder, load_library(settings.objects)[:1])
    return folder


def test_a_bag_of_another_size_and_a_foreign_file_are_noticed(place, settings, out):
    header, *rest = (out / 'a.jsonl').read_text().splitlines()
    (out / 'a.jsonl').write_text('\n'.join(
        [json.dumps({**json.loads(header), 'bag_bytes': 1}), *rest]) + '\n')
    (out / 'c.jsonl').write_text('{"mine": 1}\n')
    with pytest.raises(ConfigError, match=r'a\.jsonl \(another size of the bag\).*c\.jsonl \(not'):
        process(place, settings, out)


def test_unfinished_files_are_removed_and_others_left_alone(place, settings, out):
    for name, file in (('tmpxyz.part', 'b.jsonl'), ('tmpabc.part', 'novel.txt')):
        (out / 'deep' / name).mkdir()
        (out / 'deep' / name / file).write_text('half')
    process(place, settings, out)
    assert {path.name for path in (out / 'deep').iterdir()} == {'b.jsonl', 'tmpabc.part'}


def test_two_runs_do_not_share_a_folder(place, settings, out):
    with out_folder.opened(out, []), pytest.raises(FileError, match='another `pointpng frames`'):
        process(place, settings, out)


def test_a_folder_that_cannot_be_made_is_refused(place, settings, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileError, match='cannot write into'):
        process(place, settings, tmp_path / 'file' / 'out')
    with pytest.raises(FileError, match='file: it is a file; name a folder with --out'):
        process(place, settings, tmp_path / 'file')


def test_a_worker_that_reads_another_library_refuses_to_begin(settings):
    with pytest.raises(LibraryError, match='must be the same on all hosts'):
        FrameWorkerMaker(settings=settings, digest='0' * 16)()


def test_a_file_that_cannot_be_written_fails_its_recording(place, settings, tmp_path):
    (tmp_path / 'deep').write_text('a file where a folder is needed')
    outcomes, _ = process(place, settings, tmp_path)
    assert 'cannot write' in outcomes['deep/b'].summary['error']
    assert outcomes['a'].summary['error'] is None


def test_parquet_holds_the_same(place, settings, out):
    pytest.importorskip('pyarrow', reason='needs pyarrow (pip install the extra [parquet])')
    from pyarrow import parquet
    process(place, settings, out, parquet=True)
    table = parquet.read_table(out / 'a.parquet')
    rows = [(frame, item) for frame in read_records(out / 'a.jsonl') if frame['record'] == 'frame'
            for item in frame['objects']]
    assert len(rows) == table.num_rows
    for row, (frame, item) in zip(table.to_pylist(), rows):
        assert row['stamp_ns'] == frame['stamp_ns']
        np.testing.assert_array_equal(np.reshape(row.pop('T_camera_object'), (4, 4)),
                                      item['T_camera_object'])
        assert all(row[key] == item[key] for key in ('label', 'index', 'confidence', 'tracked'))
        assert row['warnings'] == frame['warnings']
    about = json.loads(table.schema.metadata[b'pointpng'])
    assert about['header'] == read_ends(out / 'a.jsonl')[0]
    assert 'wall_s' not in about['summary']
    # Written anew where it is missing, and the same, with the JSON lines left as they are.
    before = (out / 'a.parquet').read_bytes()
    (out / 'a.parquet').unlink()
    assert process(place, settings, out, parquet=True)[1].plan == (1, 3)
    assert (out / 'a.parquet').read_bytes() == before
