"""The demo: scoring separates good from bad, processes end, the verdict is the exit code."""

from contextlib import suppress
import io
import json
import os
from pathlib import Path
import signal

import numpy as np
import pytest
from rich.console import Console
from scipy.spatial.transform import Rotation

pytest.importorskip('rclpy', reason='needs ROS 2 (pip install the extra [ros])')
from builtin_interfaces.msg import Time
from harness import wait_until
from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from pointpng_core.io import TriangleMesh
from pointpng_core.simulation.sample_files import catalogue_library
from pointpng_ros.demo import main, simulated_run
from pointpng_ros.demo.frame_log import FrameLog
from pointpng_ros.demo.label_placement import place_labels
from pointpng_ros.demo.picture import PictureObject, save_picture
from pointpng_ros.demo.processes import ChildError, Children
from pointpng_ros.demo.recorder import _raw_stamp_ns
from pointpng_ros.demo.recording import own_environment
from pointpng_ros.demo.scoring import Limits, ObjectPose, ScoredModel, score_frame
from pointpng_ros.demo.settings import DemoConfig
from pointpng_ros.demo.summary import summarise
from pointpng_ros.demo.table import summary_table

LIMITS = Limits(rotation_deg=5.0, translation_mm=5.0)
LIBRARY = catalogue_library(['mug', 'can', 'box'])
MODELS = {model.name: ScoredModel.of(model) for model in LIBRARY}


def pose(label, position=(0, 0, 1), *, rotation_deg=(0, 0, 0), index=0):
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler('xyz', rotation_deg, degrees=True).as_matrix()
    T[:3, 3] = position
    return ObjectPose(label=label, frame=f'{label}_{index}', T_camera_object=T)


def score(truths, detections):
    return score_frame(truths, detections, MODELS, LIMITS)


def test_the_truth_scores_perfectly():
    truths = [pose('mug'), pose('can', (0.3, 0, 1), rotation_deg=(10, 20, 30)),
              pose('box', (0, 1, 1))]
    result = score(truths, truths[::-1])
    assert [row.outcome for row in result.objects] == ['posed'] * 3
    assert max(row.rotation_error_deg for row in result.objects) < 1e-4
    assert result.extra == ()


@pytest.mark.parametrize(('detection', 'outcome'), [
    (pose('mug', rotation_deg=(0, 0, 4.9)), 'posed'),
    (pose('mug', rotation_deg=(0, 0, 5.1)), 'inaccurate'),
    (pose('mug', (0.0049, 0, 1)), 'posed'),
    (pose('mug', (0, 0, 1.0051)), 'inaccurate'),
    (pose('mug', rotation_deg=(0, 0, 180)), 'inaccurate'),
    (pose('can'), 'mistaken'),
    (pose('teapot', (0, 0, 1)), 'mistaken'),
    (pose('mug', (0.4, 0, 1)), 'missed'),
])
def test_a_pose_counts_within_both_limits_under_the_right_label_only(detection, outcome):
    result = score([pose('mug')], [detection])
    assert result.objects[0].outcome == outcome
    assert (result.objects[0].outcome == 'posed') == result.objects[0].posed
    assert result.extra == ((detection.label,) if outcome == 'missed' else ())


def test_rotation_about_a_symmetry_axis_is_no_error_and_tilting_is():
    rotated = score([pose('can')], [pose('can', rotation_deg=(0, 0, 77))]).objects[0]
    assert rotated.posed
    assert rotated.rotation_error_deg < 1e-4
    tilted = score([pose('can')], [pose('can', rotation_deg=(8, 0, 77))]).objects[0]
    assert tilted.rotation_error_deg == pytest.approx(8, abs=1e-3)


def test_flipping_a_box_about_its_middle_is_no_error_but_about_its_foot_is():
    middle = pose('box', (0, 0, 1.15), rotation_deg=(180, 0, 0))
    assert score([pose('box')], [middle]).objects[0].posed
    foot = score([pose('box')], [pose('box', (0, 0, 1.14), rotation_deg=(180, 0, 0))]).objects[0]
    assert foot.translation_error_mm == pytest.approx(10, abs=0.01)
    assert not foot.posed


def test_one_detection_serves_one_object_and_the_right_label_goes_first():
    truths = [pose('mug', (0, 0, 1), index=0), pose('mug', (0.03, 0, 1), index=1)]
    rows = score(truths, [pose('mug', (0.029, 0, 1), index=7)]).objects
    assert [row.outcome for row in rows] == ['missed', 'posed']
    assert rows[1].found_frame == 'mug_7'
    rows = score([pose('mug')], [pose('can', (0, 0, 1)), pose('mug', (0.004, 0, 1))]).objects
    assert rows[0].outcome == 'posed'


def test_empty_frames_score_nothing():
    assert score([], []).objects == ()
    assert score([], [pose('mug')]).extra == ('mug',)
    assert score([pose('mug')], []).objects[0].outcome == 'missed'


def test_the_summary_fails_below_the_share_and_without_objects():
    good, bad = score([pose('mug')], [pose('mug')]), score([pose('mug')], [pose('can')])
    nine = summarise([good] * 9 + [bad], [100.0] * 10, seconds=2.0, pass_share=0.9)
    assert nine['passed']
    assert nine['posed_share'] == pytest.approx(0.9)
    assert nine['label_accuracy'] == pytest.approx(0.9)
    assert nine['frames_per_second'] == pytest.approx(5)
    eight = summarise([good] * 8 + [bad] * 2, [100.0] * 10, seconds=2.0, pass_share=0.9)
    assert not eight['passed']
    nothing = summarise([score([], [])], [100.0], seconds=1.0, pass_share=0.9)
    assert not nothing['passed']
    assert json.loads(json.dumps(nothing))['rotation_error_median_deg'] is None


def test_the_summary_counts_every_outcome_of_every_object():
    frames = [score([pose('mug'), pose('can', (0.5, 0, 1))],
                    [pose('mug', (0.02, 0, 1)), pose('box', (0, 2, 1))])]
    summary = summarise(frames, [80.0], seconds=1.0, pass_share=0.9)
    assert [summary[key] for key in ('objects_in_view', 'posed', 'inaccurate', 'missed')] \
        == [2, 0, 1, 1]
    assert summary['extra_detections'] == 1
    assert summary['translation_error_median_mm'] == pytest.approx(20, abs=1e-6)
    assert [row['object'] for row in summary['objects']] == ['can_0', 'mug_0']
    page = io.StringIO()
    Console(file=page, width=100).print(summary_table(summary))
    assert 'mug_0' in page.getvalue()


def test_only_clouds_with_markers_are_processed():
    log = FrameLog()
    log.at(1, 5.0).truths.append(pose('mug'))
    log.at(2, 6.0).detections.append(pose('mug'))
    assert log.processed() == []
    log.at(1, 10.0).processed_s = 10.0
    log.at(2, 20.0).processed_s = 20.0
    assert [record.stamp_ns for record in log.processed()] == [1, 2]
    assert [record.stamp_ns for record in log.processed(before_s=15.0)] == [1]


def test_late_poses_join_their_frame_and_a_looped_bag_opens_a_new_one():
    log = FrameLog()
    log.at(1, 10.0).processed_s = 10.0
    log.at(1, 10.3).detections.append(pose('mug'))
    log.at(1, 15.0).detections.append(pose('can'))
    log.at(1, 15.1).processed_s = 15.1
    assert [[found.label for found in record.detections] for record in log.processed()] \
        == [['mug'], ['can']]


def test_the_stamp_is_read_from_the_bytes_of_a_cloud():
    header = Header(stamp=Time(sec=1_700_000_123, nanosec=456_789_012), frame_id='camera')
    message = serialize_message(PointCloud2(header=header))
    assert _raw_stamp_ns(message) == 1_700_000_123_456_789_012


def test_labels_stay_inside_the_image_and_off_each_other():
    rng = np.random.default_rng(0)
    outlines = [rng.uniform(low, low + 90, size=(200, 2)) for low in (5, 60, 120, 480)]
    texts = ['mug\n0.6°  1.1 mm', 'can', 'box\n1.0°  2.0 mm', 'drill']
    places = place_labels(outlines, texts, 640, 600)
    assert all(0 < x < 640 and 0 < y < 600 for x, y in places)
    assert len({(round(x), round(y)) for x, y in places}) == 4


@pytest.mark.parametrize('with_objects', [True, False])
def test_a_picture_is_drawn_with_and_without_objects(tmp_path, with_objects):
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, 80), np.linspace(-0.2, 0.2, 60))
    table = np.stack([x, y, np.full_like(x, 1.1)], axis=-1).reshape(-1, 3).astype(np.float32)
    mug = pose('mug', (0, 0, 1))
    mesh = LIBRARY[0].model
    segment = (mesh.vertices[::40] + np.float32([0, 0, 1])).astype(np.float32)
    objects = [PictureObject(pose=mug, segment=segment, note='0.1°'),
               PictureObject(pose=pose('unknown', (0.1, 0, 1)), segment=segment[:0])]
    assert isinstance(mesh, TriangleMesh)
    path = tmp_path / 'picture.png'
    save_picture(path, np.concatenate([table, segment]), objects if with_objects else [],
                 {'mug': mesh}, title='a test')
    assert path.read_bytes().startswith(b'\x89PNG')
    assert path.stat().st_size > 20_000


def alive(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


STUBBORN = 'import signal, time\n' \
           'signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint("up", flush=True)\n' \
           'time.sleep(60)\n'


def test_children_are_stopped_even_when_they_ignore_ctrl_c(tmp_path, monkeypatch):
    monkeypatch.setattr('pointpng_ros.demo.processes._STOP_TIMEOUTS_S',
                        ((signal.SIGINT, 0.2), (signal.SIGKILL, 5.0)))
    (tmp_path / 'stubborn.py').write_text(STUBBORN)
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    with Children(environment) as children:
        process_id = children.start('stubborn', 'stubborn')
        wait_until(lambda: 'up' in children.report(), what='the child')
        assert children.running()
    assert not alive(process_id)


def test_a_failed_child_is_reported_with_its_last_output(tmp_path):
    (tmp_path / 'failing.py').write_text('raise SystemExit("no film in the camera")\n')
    with Children({**os.environ, 'PYTHONPATH': str(tmp_path)}) as children:
        children.start('camera', 'failing')
        with pytest.raises(ChildError, match=r'camera ended with code 1(.|\n)*no film'):
            wait_until(lambda: not children.running(), what='its end')


def test_the_environment_of_a_demo_ends_with_it(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '7')
    monkeypatch.delenv('FASTRTPS_DEFAULT_PROFILES_FILE', raising=False)
    with suppress(ChildError), own_environment(None) as environment:
        assert environment['ROS_DOMAIN_ID'] == os.environ['ROS_DOMAIN_ID']
        assert environment['FASTRTPS_DEFAULT_PROFILES_FILE'].endswith('fastdds_loopback.xml')
        raise ChildError('the camera fell')
    assert os.environ['ROS_DOMAIN_ID'] == '7'
    assert 'FASTRTPS_DEFAULT_PROFILES_FILE' not in os.environ


def demo(monkeypatch, tmp_path, domain, *, options=('--names', 'mug,can,bracket'), **environment):
    """The whole demo with an oracle in the node's place; returns exit code and figures."""
    monkeypatch.setattr(simulated_run, 'NODE_MODULE', 'oracle_node')
    monkeypatch.setenv('PYTHONPATH', str(Path(__file__).parent))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    figures = tmp_path / 'demo.json'
    code = main.main(['--seconds', '2', *options, '--domain-id', str(domain), '--picture',
                      str(tmp_path / 'demo.png'), '--json', str(figures)])
    return code, json.loads(figures.read_text()) if figures.exists() else None


def test_the_demo_passes_when_the_node_is_right(monkeypatch, tmp_path, domain):
    code, figures = demo(monkeypatch, tmp_path, domain)
    assert code == 0
    assert figures['passed']
    assert figures['posed_share'] == 1
    assert figures['frames'] >= 3
    assert (tmp_path / 'demo.png').stat().st_size > 50_000


@pytest.mark.parametrize('fault', [{'SHIFT_MM': '6'}, {'RELABEL': '1'}])
def test_the_demo_fails_when_the_node_is_wrong(monkeypatch, tmp_path, domain, fault):
    code, figures = demo(monkeypatch, tmp_path, domain, **fault)
    assert code == 1
    assert not figures['passed']
    assert figures['posed_share'] < 0.5


def test_the_demo_says_why_when_the_node_dies(monkeypatch, tmp_path, domain, capsys):
    code, figures = demo(monkeypatch, tmp_path, domain, CRASH='1')
    assert code == 1
    assert figures is None
    assert 'the oracle broke its tripod' in capsys.readouterr().err


def test_seconds_come_from_the_option_then_the_environment(monkeypatch):
    parse = main._parser().parse_args
    monkeypatch.setenv('DEMO_SECONDS', '7')
    assert main._config(parse([])).seconds == 7
    assert main._config(parse(['--seconds', '3'])).seconds == 3
    monkeypatch.setenv('DEMO_SECONDS', 'soon')
    assert main.main([]) == 1


def test_the_default_scene_is_no_easy_one():
    """Five objects or more, asymmetric ones among them, a library with a distractor."""
    config = DemoConfig()
    names = config.object_names
    assert len(names) >= 5
    asymmetric = [model.name for model in catalogue_library(names) if not model.symmetry.elements]
    assert len(asymmetric) >= 3
    assert set(config.library_names) > set(names)
    assert (config.rotation_limit_deg, config.translation_limit_mm) == (5, 5)
    assert (config.least_posed_share, config.least_right_share) == (0.9, 0.95)
