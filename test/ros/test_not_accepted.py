"""Segments without an accepted pose: what JSON, markers, diagnostics and demo tell."""

import io
import json

from harness import wait_until
import numpy as np
import pytest
from rich.console import Console
from std_msgs.msg import String
from test_messages import header, random_pose
from test_node import Rig, cloud, stub_node

from pointpng_core.segmentation import Segment
from pointpng_core.tracking.frame_result import FrameResult, Rejection
from pointpng_ros.demo import picture
from pointpng_ros.demo.bag_run import BagRun
from pointpng_ros.demo.frame_log import FrameRecord, Refusal
from pointpng_ros.messages.json_messages import object_list
from pointpng_ros.messages.markers import NOT_ACCEPTED, markers_of
from pointpng_ros.messages.posed_objects import refused_segments

REASON = 'confidence 0.25 below min_confidence 0.65'
WORDS = f'mug? (0.25): {REASON}'
REFUSAL = Refusal(text=WORDS, centre_m=(0.05, 0.0, 1.0))


@pytest.fixture
def refused():
    """One segment without any pose, in the frame of a target."""
    points = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    rejection = Rejection(segment=Segment(points=points, indices=np.arange(9)), estimate=None,
                          reason='no pose was found')
    result = FrameResult(detections=(), rejected=(rejection,), scene=None, stage_ms={})
    T = random_pose(5)
    return refused_segments([each.entry() for each in result.not_accepted], T), \
        points.mean(axis=0) @ T[:3, :3].T + T[:3, 3]


def test_it_stands_in_the_json_in_the_published_frame(refused):
    entries, centre = refused
    listed, = json.loads(object_list([], header(), (), entries).data)['not_accepted']
    np.testing.assert_allclose(listed.pop('centre_m'), centre, atol=1e-6)
    assert listed == {'label': None, 'confidence': None, 'score': None, 'points': 9,
                      'reason': 'no pose was found'}


def test_a_marker_shows_it_where_it_is(refused):
    entries, centre = refused
    _, marker = markers_of([], header(), max_points=5, not_accepted=entries).markers
    assert (marker.ns, marker.text) == (NOT_ACCEPTED, 'unknown: no pose was found')
    place = marker.pose.position
    np.testing.assert_allclose([place.x, place.y, place.z], centre, atol=1e-6)


def test_the_node_tells_of_it_in_json_markers_and_diagnostics(observer):
    lists = observer.collect(String, '/pointpng/objects')
    with stub_node('objects:=library_2', 'cloud_reliability:=reliable'):
        rig = Rig(observer)
        rig.connect()
        array = rig.exchange(cloud(2, 5))
        assert [each.text for each in array.markers if each.ns == NOT_ACCEPTED] == [WORDS]
        wait_until(lambda: lists, what='the list of objects')
        entry, = json.loads(lists[-1].data)['not_accepted']
        assert (entry['label'], entry['confidence'], entry['reason']) == ('mug', 0.25, REASON)
        said = rig.status(lambda state: any(each.key == 'not_accepted' and each.value
                                            for each in state.values))
        words, = (each.value for each in said.values if each.key == 'not_accepted')
        assert words.startswith('mug? (0.25) at 5.')
        assert words.endswith(REASON)


def test_table_line_and_summary_of_a_recording_show_it():
    run, page = BagRun(bag='bag', objects=None), io.StringIO()
    console = Console(file=page, width=200)
    record = FrameRecord(stamp_ns=1, refused=[REFUSAL], processed_s=1.0, end_to_end_ms=20.0)

    class View:
        def show(self, title, table, line):
            console.print(table)
            assert line == WORDS

    run.show(View(), record)
    summary = run.conclude([record])
    assert summary['not_accepted'] == [WORDS]
    run.print_summary(console, summary)
    assert page.getvalue().count(WORDS) == 2


def test_both_panels_of_the_picture_have_a_note(tmp_path, monkeypatch):
    notes, draw = [], picture.Axes.text
    monkeypatch.setattr(picture.Axes, 'text', lambda panel, x, y, text, **style: (
        notes.append(' '.join(text.split())), draw(panel, x, y, text, **style))[1])
    points = np.random.default_rng(0).uniform(-0.2, 0.2, (500, 3)).astype(np.float32)
    picture.save_picture(tmp_path / 'a.png', points + np.float32([0, 0, 1]), [], {},
                         title='a test', refused=[REFUSAL])
    assert notes == [WORDS] * 2
