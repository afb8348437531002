"""The state of the node: statistics, diagnostics, optional packages."""

from dataclasses import replace
import math
import sys
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import pytest

from pointpng_core.errors import MissingDependencyError
from pointpng_core.evaluation.speed.memory import resident_mb
from pointpng_ros.health import optional_packages as optional
from pointpng_ros.health.diagnostics import NodeState, camera_status, diagnose, support_in_words
from pointpng_ros.health.frame_statistics import FrameStatistics, FrameTiming


def timing(finished_s, latency_ms=10.0, **stages):
    return FrameTiming(finished_s=finished_s, latency_ms=latency_ms, stamp_age_ms=5.0,
                       finite_share=0.5, objects=2, tracked=int(stages.get('decode', 0)),
                       searched=1, stage_ms=stages)


def test_statistics_over_the_window():
    statistics = FrameStatistics(window_s=10)
    for number in range(100):
        statistics.count_received()
        statistics.add(timing(number * 0.5, float(number), search=2.0, decode=float(number % 2)))
    summary = statistics.summary(49.5)
    assert (summary.received, summary.processed) == (100, 100)
    assert summary.rate_hz == pytest.approx(2.0)
    assert summary.latency_p50_ms == pytest.approx(np.percentile(range(79, 100), 50))
    assert summary.latency_p95_ms == pytest.approx(np.percentile(range(79, 100), 95))
    assert summary.stage_ms['search'] == 2.0
    assert summary.tracked_mean == pytest.approx(summary.stage_ms['decode']) != 0
    assert summary.searched_mean == 1
    later = statistics.summary(100.0)
    assert (later.rate_hz, later.latency_p50_ms, later.processed) == (0.0, 0.0, 100)
    assert later.tracked_mean == 0


def test_the_rate_falls_when_nothing_more_comes():
    statistics = FrameStatistics(window_s=10)
    for number in range(5):
        statistics.add(timing(number * 0.1))
    assert statistics.summary(0.4).rate_hz == pytest.approx(10)
    assert statistics.summary(4.0).rate_hz == pytest.approx(1)


def test_a_problem_lasts_until_a_cloud_succeeds():
    statistics = FrameStatistics()
    statistics.count_refused('truncated')
    statistics.count_failed('broken')
    summary = statistics.summary()
    assert (summary.refused, summary.failed, summary.problem) == (1, 1, 'broken')
    statistics.add(timing(0.0))
    assert statistics.summary().problem == ''


def state(**changes):
    values = {'dropped': 0, 'silent_s': 0.1, 'cloud_timeout_s': 5.0, 'references': 2,
              'skipped': 0, 'device': 'cpu'}
    return NodeState(**{**values, **changes})


def test_diagnostic_levels():
    statistics = FrameStatistics()
    assert diagnose(statistics.summary(), state(silent_s=None)) == (
        DiagnosticStatus.WARN, 'waiting for the first cloud')
    assert diagnose(statistics.summary(), state(silent_s=9.0)) == (
        DiagnosticStatus.ERROR, 'no cloud for 9 s')
    assert diagnose(statistics.summary(), state(references=0))[0] == DiagnosticStatus.WARN
    assert diagnose(statistics.summary(), state()) == (DiagnosticStatus.OK, 'running')
    statistics.count_refused('bad cloud')
    assert diagnose(statistics.summary(), state()) == (DiagnosticStatus.ERROR, 'bad cloud')
    idle = state(idle='idle: nobody subscribes')
    assert diagnose(statistics.summary(), idle) == (DiagnosticStatus.OK, idle.idle)
    statistics.add(FrameTiming(finished_s=math.inf, latency_ms=1, stamp_age_ms=1, objects=0,
                               finite_share=0.01, tracked=0, searched=0, stage_ms={}))
    level, text = diagnose(statistics.summary(), state())
    assert (level, text) == (DiagnosticStatus.WARN, 'only 1.0% of the points are finite')


def test_what_depth_images_lack_comes_before_what_they_would_show():
    statistics = FrameStatistics()
    for _ in range(12):
        statistics.count_received()
    lacking = state(noun='depth image', missing='no CameraInfo on /info', idle='idle: nobody')
    assert diagnose(statistics.summary(), lacking) == (
        DiagnosticStatus.ERROR, '12 depth images, no CameraInfo on /info')
    assert diagnose(statistics.summary(), state(noun='depth image', silent_s=9.0)) == (
        DiagnosticStatus.ERROR, 'no depth image for 9 s')


def test_warnings_of_the_newest_frame_are_told_until_a_frame_has_none():
    statistics = FrameStatistics()
    for warnings, expected in ((('a', 'b'), (DiagnosticStatus.WARN, 'a; b')),
                               ((), (DiagnosticStatus.OK, 'running'))):
        statistics.add(replace(timing(math.inf), warnings=warnings))
        assert diagnose(statistics.summary(), state()) == expected


def test_the_plane_is_told_in_the_frame_of_the_cloud():
    plane = SimpleNamespace(normal=np.array([0.0, -0.8, -0.6]), offset_m=0.75)
    text = 'normal (0.000, -0.800, -0.600), 0.750 m below the origin; why'
    assert support_in_words(SimpleNamespace(plane=plane, reason='why')) == text
    assert support_in_words(SimpleNamespace(plane=None, reason='why not')) == 'why not'
    statistics = FrameStatistics()
    statistics.add(replace(timing(math.inf), plane=text))
    status = camera_status('poses', statistics.summary(), state())
    assert {value.key: value.value for value in status.values}['plane'] == text


def test_memory_is_plausible():
    assert 10 < resident_mb() < 1e5


def test_what_is_missing_is_refused_with_the_apt_line(monkeypatch):
    monkeypatch.setenv('ROS_DISTRO', 'humble')
    monkeypatch.setitem(sys.modules, 'vision_msgs', None)
    with pytest.raises(MissingDependencyError, match='apt install ros-humble-vision-msgs'):
        optional.require('vision_msgs', asked_by='the parameter publish_detections')


def test_what_is_installed_is_used(monkeypatch):
    module = SimpleNamespace(name='fake')
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    assert optional.require('tf2_ros', asked_by='a test') is module


def test_the_share_directory_holds_the_config():
    assert (optional.share_directory() / 'config' / 'fastdds_large_clouds.xml').exists()
