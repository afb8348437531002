"""pointpng endurance: scenes, tally, bounds, a short real run; a model that is too slow."""

import json
import os
import time

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2 (pip install the extra [ros])')
from geometry_msgs.msg import TransformStamped
from harness import RosProcess
from rclpy.time import Time
from test_node import Rig, cloud, stub_node, values_of

from pointpng_core.config import read_yaml_mapping
from pointpng_core.geometry import Symmetry
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig
from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.scoring import Limits, ObjectPose, ScoredModel
from pointpng_ros.endurance.figures import Observations, broken_bounds, conclude, figure_table
from pointpng_ros.endurance.resource_usage import ResourceUsage, growth, resource_usage_of
from pointpng_ros.endurance.scenes import FEWEST, MOST, MOST_ALIKE, Scene
from pointpng_ros.endurance.settings import EnduranceConfig
from pointpng_ros.endurance.tally import Tally, widened

LIMITS = Limits(rotation_deg=5.0, translation_mm=5.0)


def pose(frame, x_m=0.0, rotation_deg=0.0):
    """An object at x, rotated about z."""
    T, angle = np.eye(4), np.radians(rotation_deg)
    T[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    T[0, 3] = x_m
    return ObjectPose(label=frame.rpartition('_')[0], frame=frame, T_camera_object=T)


def tally_of(*frames):
    """Return the tally of frames given as (in view, hidden, detected)."""
    model = ScoredModel(symmetry=Symmetry(), centre=np.zeros(3), diameter_m=0.1)
    tally = Tally(models={'mug': model, 'can': model}, limits=LIMITS,
                  false_limits=widened(LIMITS, 3.0))
    for truths, hidden, detections in frames:
        tally.add(FrameRecord(stamp_ns=0, truths=truths, hidden=hidden, detections=detections,
                              end_to_end_ms=100.0))
    return tally


@pytest.mark.parametrize(('detected', 'false'), [
    ([pose('mug_0')], 0),
    ([pose('mug_0', 0.010)], 0),                 # inaccurate, but within three times the limits
    ([pose('mug_0', 0.020)], 1),
    ([pose('mug_0', rotation_deg=14)], 0),
    ([pose('mug_0', rotation_deg=90)], 1),
    ([pose('can_0')], 1),                        # another object
    ([pose('mug_0'), pose('mug_1')], 1),         # twice in one place
    ([pose('can_0', 1.0)], 0),                   # hidden, and yet right
    ([pose('mug_0', 2.0)], 1),                   # where nothing is
    ([], 0)])
def test_false_poses_are_those_of_nothing_that_is_there(detected, false):
    tally = tally_of(([pose('mug_0')], [pose('can_0', 1.0)], detected))
    assert (tally.false, tally.poses) == (false, len(detected))


def test_a_swap_is_a_change_of_identity_within_a_scene():
    truths = [pose('mug_0'), pose('mug_1', 1.0)]
    straight = (truths, [], [pose('mug_0'), pose('mug_1', 1.0)])
    crossed = (truths, [], [pose('mug_1'), pose('mug_0', 1.0)])
    alone = (truths, [], [pose('mug_1', 1.0)])
    assert tally_of(straight, alone, straight).swaps == 0
    assert tally_of(straight, alone, crossed, crossed).swaps == 2
    assert tally_of(crossed, crossed).swaps == 0            # numbers need not be the simulator's
    tally = tally_of(straight)
    tally.begin_scene()
    tally.add(FrameRecord(stamp_ns=0, truths=truths, detections=crossed[2]))
    assert tally.swaps == 0


def test_growth_is_that_after_the_warm_up():
    assert growth([500.0] * 90) == (500, 500)
    assert growth([*range(30), *[100] * 60]) == (100, 100)
    before, after = growth([100.0] * 30 + [100.0 + sample for sample in range(60)])
    assert (before, after) == (102.5, 156.5)
    assert np.isnan(growth([])).all()


def test_resource_usage_of_this_process():
    with open(__file__, encoding='utf-8'):
        more = resource_usage_of(os.getpid())
    fewer = resource_usage_of(os.getpid())
    assert more.handles == fewer.handles + 1
    assert more.threads >= 1
    assert 10 < more.memory_mb < 1e5


def test_scenes_can_be_built_change_and_repeat():
    config = EnduranceConfig(seed=3)
    scenes = [Scene.of(config, number) for number in range(12)]
    assert scenes == [Scene.of(config, number) for number in range(12)]
    assert scenes[0].objects == config.objects
    assert [scene.stamp_offset_s < 0 for scene in scenes] == [False, False, True] * 4
    for scene in scenes:
        names = scene.objects.split(',')
        assert FEWEST <= len(names) <= MOST
        assert max(map(names.count, names)) <= MOST_ALIKE
        TabletopWorld(names, config=WorldConfig(seed=scene.seed))
    assert len({scene.objects for scene in scenes}) == len(scenes)


def figures(*, memory_mb=500.0, samples=200, **config):
    """Return the figures of one good frame and of memory that grew to `memory_mb`."""
    usage = [ResourceUsage(memory_mb=500.0 if sample < samples / 2 else memory_mb, handles=20,
                     threads=9) for sample in range(samples)]
    diagnostics = [{'received': '30', 'dropped': '20', 'tracked_per_frame': '1.0', 'objects': '2'}]
    tally = tally_of(([pose('mug_0')], [], [pose('mug_0')]))
    return conclude(tally, Observations(scenes=1, seconds=1.0, usage=usage,
                                        diagnostics=diagnostics), EnduranceConfig(**config))


def test_what_is_within_its_bounds_passes():
    found = figures()
    assert (found['passed'], found['broken']) == (True, [])
    assert [found[key] for key in ('tracking_share', 'dropped', 'end_to_end_ms_p99')] == [
        0.5, 20, 100]
    assert figure_table(found).row_count == 12


@pytest.mark.parametrize(('changes', 'words'), [
    ({'memory_mb': 520.0}, 'memory_growth'), ({'max_age_ms': 99.0}, 'end_to_end_ms_p99')])
def test_a_broken_bound_fails_the_run_and_is_named(changes, words):
    found = figures(**changes)
    assert not found['passed']
    assert [words in line for line in found['broken']] == [True]


def test_a_short_run_says_nothing_about_growth_and_an_empty_one_never_passes():
    assert figures(memory_mb=900.0, samples=60)['passed']
    nothing = conclude(tally_of(), Observations(), EnduranceConfig())
    assert len(nothing['broken']) == 5
    assert broken_bounds({**figures(), 'swap_share': 0.5, 'false_share': 0.5, 'posed_share': 0.5,
                          'label_accuracy': 0.5, 'handle_growth': 9}, EnduranceConfig()) != []


def test_a_short_run_ends_with_figures_and_the_broken_bound(tmp_path):
    settings, result = tmp_path / 'settings.yaml', tmp_path / 'figures.json'
    settings.write_text('{minutes: 0.05, rate_hz: 10.0, prepared_frames: 3, objects: "can,mug", '
                        'max_age_ms: 1.0}')
    assert read_yaml_mapping(settings)['prepared_frames'] == 3
    with RosProcess('-m', 'pointpng_ros.endurance.main', '--config', str(settings), '--json',
                    str(result)) as run:
        assert run.wait(timeout_s=120) == 1, run.output
    assert 'bound broken: end_to_end_ms_p99' in run.output
    found = json.loads(result.read_text())
    assert found['frames'] >= 2
    assert found['label_accuracy'] == 1.0
    assert found['received'] >= found['frames']
    assert 100 < found['memory_mb'][1] < 5000
    assert found['config']['objects'] == 'can,mug'


def test_a_model_that_is_too_slow_costs_clouds_but_its_poses_stay_young(observer):
    slow_s, ages_s, rig = 0.2, [], Rig(observer)

    def note(message):
        age = observer.node.get_clock().now() - Time.from_msg(message.header.stamp)
        ages_s.append(age.nanoseconds / 1e9)

    observer.node.create_subscription(TransformStamped, '/pointpng/pose', note, 100)
    with stub_node('cloud_reliability:=reliable', arguments=('--slow', str(slow_s))):
        rig.connect()
        for _ in range(120):
            message = cloud(0)
            message.header.stamp = observer.node.get_clock().now().to_msg()
            rig.publisher.publish(message)
            time.sleep(1 / 30)
        values = values_of(rig.status(lambda state: int(values_of(state)['dropped']) > 60))
    assert int(values['processed']) < 30, (values, len(rig.poses))
    assert np.quantile(ages_s, 0.9) < slow_s + 0.3        # in a queue, seconds would add up
    assert np.median(ages_s[-5:]) < np.median(ages_s[:5]) + 0.1
