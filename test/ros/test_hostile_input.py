"""Stamps, frames, files and settings that cannot be right, against a real node, which goes on."""

from depth_rig import DepthRig, shot
from harness import RosProcess, wait_repeating
import pytest
from std_msgs.msg import Header
from test_node import STUB, Rig, cloud, stub_node, values_of

from pointpng_core.errors import CloudError
from pointpng_ros.messages.stamps import stamp_ns, time_of

ACTING = 'lens\x1b[31m\n[ERROR] forged'


def refused(rig, message, words):
    """Publish until the diagnostics say why it was refused; the node goes on."""
    wait_repeating(lambda: rig.publisher.publish(message), lambda: any(
        words in str(values_of(array.status[0])) + array.status[0].message
        for array in rig.diagnostics if array.status), every_s=0.5, what=f'refusal {words!r}')


@pytest.mark.parametrize(('second', 'nanosecond'), [(-1, 0), (-2**31, 5), (3, 10**9)])
def test_stamps_that_are_none(second, nanosecond):
    stamp = Header().stamp
    stamp.sec, stamp.nanosec = second, nanosecond
    assert stamp_ns(stamp) == second * 10**9 + nanosecond
    with pytest.raises(CloudError, match=f'the stamp is {second} s and {nanosecond} ns'):
        time_of(stamp)


def test_a_cloud_from_before_1970_is_refused_and_the_next_answered(observer):
    rig = Rig(observer)
    with stub_node('cloud_reliability:=reliable') as node:
        rig.connect()
        refused(rig, cloud(1, stamp=-5), 'the stamp is -5 s')
        rig.exchange(cloud(1, stamp=7))
        assert 'cloud refused: the stamp is -5 s' in node.output
        assert 'Traceback' not in node.output


def test_depth_images_from_before_1970_do_not_end_the_node(observer):
    rig = DepthRig(observer)
    with stub_node('input:=depth', 'cloud_reliability:=reliable') as node:
        rig.connect()
        refused(rig, shot(0, stamp=-5), 'the stamp is -5 s')
        wait_repeating(lambda: rig.publisher.publish(shot(0, stamp=9)), lambda: rig.poses,
                       every_s=0.5, what='a pose')
        assert node.running
        assert 'Traceback' not in node.output


def test_a_frame_of_control_characters_does_not_reach_the_terminal(observer):
    rig = Rig(observer)
    with stub_node('cloud_reliability:=reliable', 'roi.enabled:=true') as node:
        rig.connect()
        message = cloud(1, stamp=3, frame=ACTING)
        message.fields = message.fields[1:]                        # refused: no x
        refused(rig, message, 'x')
        rig.exchange(cloud(1, stamp=4, frame='camera'))
        assert '\x1b' not in node.output
        assert '\n[ERROR] forged' not in node.output


def test_without_security_in_the_middleware_the_node_says_what_to_do(domain, tmp_path):
    (tmp_path / 'enclaves').mkdir()
    with RosProcess(STUB, ROS_SECURITY_ENABLE='true', ROS_SECURITY_STRATEGY='Enforce',
                    ROS_SECURITY_KEYSTORE=str(tmp_path)) as node:
        code = node.wait(timeout_s=60.0)
        if 'security libraries' not in node.output:
            pytest.skip('this Fast DDS has security')
    assert code == 1
    assert 'ROS_SECURITY_ENABLE is true' in node.output
    assert 'Traceback' not in node.output


def test_what_the_core_logs_is_in_the_log_of_the_node(domain, tmp_path):
    """A cache that cannot be written, with the real pipeline: once, at /rosout, with the fix."""
    (tmp_path / 'file').touch()
    library = tmp_path / 'objects'
    with RosProcess('-m', 'pointpng_ros.nodes.sim_camera', '--write-library', str(library)) as sim:
        assert sim.wait(timeout_s=60.0) == 0
    with RosProcess('-m', 'pointpng_ros.cli', 'run', '--ros-args', '-p',
                    f'objects:={library}', '-p', f'cache_dir:={tmp_path}/file/cache') as node:
        node.wait_for_output('listening on', timeout_s=120.0)
        lines = [line for line in node.output.splitlines() if 'cannot be kept in' in line]
    assert len(lines) == 1
    assert lines[0].startswith('[WARN]')
    assert 'cache_dir' in lines[0]
