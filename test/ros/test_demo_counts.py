"""The demo counts every published pose, also of what is hidden; its title and report say so."""

import io
import json

import numpy as np
import pytest
from rich.console import Console
from test_demo import LIMITS, MODELS, demo, pose

from pointpng_core.errors import ConfigError
from pointpng_core.simulation.piles import piles
from pointpng_ros.demo import main
from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.scoring import score_frame
from pointpng_ros.demo.settings import LEAST_SHARES, DemoConfig
from pointpng_ros.demo.simulated_run import SimulatedRun
from pointpng_ros.demo.summary import summarise
from pointpng_ros.demo.table import score_line, score_table, summary_table

BOX = (0.5, 0, 1)
MIDDLE = MODELS['mug'].centre


def upside_down(truth):
    """A pose rotated by half a turn about the middle of the object."""
    place = truth.T_camera_object[:3, 3] + MIDDLE - np.array([1, -1, -1]) * MIDDLE
    return pose(truth.label, place, rotation_deg=(180, 0, 0), index=7)


def score(truths, hidden, detections):
    return score_frame(truths, detections, MODELS, LIMITS, hidden=hidden)


def summary(*frames, right_share=0.9):
    return summarise(frames, [100.0] * len(frames), seconds=1.0, pass_share=0.9,
                     right_share=right_share)


def mug_and_hidden(*detections):
    """A mug in view and posed, a hidden box, and what is published beside the mug."""
    return score([pose('mug')], [pose('box', BOX)], [pose('mug'), *detections])


@pytest.mark.parametrize(('detections', 'right', 'wrong', 'extra'), [
    ([], 1, 0, 0),
    ([pose('box', BOX)], 2, 0, 0),
    ([pose('box', (0.5, 0, 1.1), rotation_deg=(90, 0, 0))], 1, 1, 0),
    ([pose('can', BOX)], 1, 1, 0),
    ([pose('can', (0, 2, 1))], 1, 1, 1),
    ([pose('teapot', (0, 2, 1))], 1, 1, 1),
    ([pose('mug', index=1)], 1, 1, 1),
    ([pose('box', BOX), pose('box', BOX, index=1), pose('can', (0, 2, 1))], 2, 2, 2),
])
def test_every_published_pose_counts_and_hidden_objects_need_not_be_found(detections, right,
                                                                          wrong, extra):
    frame = mug_and_hidden(*detections)
    assert (frame.published, frame.right, len(frame.extra)) == (right + wrong, right, extra)
    assert [row.frame for row in frame.objects] == ['mug_0']
    figures = summary(frame)
    assert (figures['objects_in_view'], figures['posed'], figures['missed']) == (1, 1, 0)
    assert (figures['right'], figures['wrong']) == (right, wrong)
    assert figures['passed'] == (wrong == 0)
    assert sum(row['published'] for row in figures['objects']) + extra == right + wrong


def test_a_hidden_object_does_not_take_the_pose_of_one_in_view():
    frame = score([pose('mug', (0, 0, 1))], [pose('mug', (0.03, 0, 1), index=1)],
                  [pose('mug', (0.001, 0, 1))])
    assert frame.objects[0].posed
    assert frame.hidden == ()


def test_a_frame_that_published_nothing_is_not_right():
    figures = summary(score([pose('mug')], [], []))
    assert figures['right_share'] is None
    assert not figures['passed']


def shown(table):
    page = io.StringIO()
    Console(file=page, width=120).print(table)
    return page.getvalue()


def test_tables_and_lines_show_what_is_wrong():
    frame = mug_and_hidden(pose('box', (0.5, 0, 1.1), rotation_deg=(90, 0, 0)),
                           pose('can', (0, 2, 1)))
    for text in (score_line(frame), shown(score_table(frame, 80.0))):
        assert '(box_0)' in text
        assert '90.0°' in text
        assert 'no object' in text
    rows = {line.split('│')[1].strip(): line.split('│')[2:-1]
            for line in shown(summary_table(summary(frame))).splitlines() if line[:1] == '│'}
    counts = {name: [cells[index].strip() for index in (0, 3, 4)] for name, cells in rows.items()}
    assert counts == {'mug_0': ['1', '1', '0'], 'box_0': ['0', '1', '1'],
                      'no object': ['0', '1', '1'], 'all': ['1', '3', '2']}


def test_title_and_live_report_count_an_upside_down_pose_of_a_half_hidden_object():
    run = SimulatedRun(DemoConfig())
    run._scored = MODELS
    hidden = pose('mug', BOX, index=1)
    record = FrameRecord(stamp_ns=1, truths=[pose('mug')], hidden=[hidden],
                         detections=[pose('mug'), upside_down(hidden)], end_to_end_ms=80.0)
    title, objects = run.picture(record)
    assert '1 of 1 objects in view posed, 1 of 2 published poses within 5° and 5 mm' in title
    assert [each.wrong for each in objects] == [False, True]
    assert '180.0°' in objects[1].note
    titles = []

    class View:
        def show(self, title, table, line):
            titles.append(title)

    run.show(View(), record)
    assert '100.0 % of 1 objects in view posed, 1 of 2 published poses right' in titles[0]
    page = io.StringIO()
    run.print_summary(Console(file=page, width=200), run.conclude([record]))
    assert 'published: 2 poses, 1 right, 1 wrong (50.0 % right, asked: 95.0 %)' in page.getvalue()
    assert 'FAILED' in page.getvalue()


def test_the_demo_fails_where_hidden_objects_are_published_upside_down(monkeypatch, tmp_path,
                                                                       domain):
    strict = tmp_path / 'strict.yaml'
    strict.write_text('pass_right_share: 0.9\n')
    options = ['--scene', 'clutter', '--seed', '0', '--config', str(strict)]
    code, figures = demo(monkeypatch, tmp_path, domain, options=options, UPSIDE_DOWN='1')
    assert code == 1
    assert figures['posed_share'] == 1
    assert figures['wrong'] >= figures['frames']
    assert figures['right'] == figures['posed']


def test_clutter_has_its_own_objects_and_shares(tmp_path):
    parse = main._parser().parse_args
    config = main._config(parse(['--scene', 'clutter', '--seed', '4']))
    assert list(config.object_names) == [name for name, _ in piles()[4 % len(piles())]]
    assert 'can' in config.library_names
    assert (config.least_posed_share, config.least_right_share) == LEAST_SHARES['clutter']
    with pytest.raises(ConfigError, match='clutter has objects of its own'):
        _ = main._config(parse(['--scene', 'clutter', '--names', 'mug'])).object_names
    assert main.main(['--scene', 'clutter', '--names', 'mug',
                      '--picture', str(tmp_path / 'demo.png')]) == 1
    assert DemoConfig().scene == 'tabletop'


def test_shares_given_replace_those_of_the_scene():
    given = DemoConfig(scene='clutter', pass_share=0.0, pass_right_share=1.0)
    assert (given.least_posed_share, given.least_right_share) == (0.0, 1.0)


def test_figures_are_json():
    figures = summary(mug_and_hidden(pose('can', (0, 2, 1))))
    assert json.loads(json.dumps(figures))['wrong'] == 1
    assert np.isclose(figures['right_share'], 0.5)
