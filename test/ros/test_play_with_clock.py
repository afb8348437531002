"""`pointpng play` with simulated time and with topics that are no clouds."""

from harness import RosProcess, wait_until
from helpers.bags import PERIOD_NS, TOPIC, write_bag
import pytest
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String
from std_srvs.srv import SetBool
from test_bag_player import PLAYER

from pointpng_core.errors import MissingDependencyError
from pointpng_ros.inputs.other_topics import other_topics


@pytest.mark.parametrize('kind', ['mcap', 'db3'])
def test_clock_tells_the_time_of_recording_and_other_topics_come_as_recorded(
        tmp_path, observer, kind):
    path, _ = write_bag(tmp_path, kind, count=5, chatter=True)
    clock, words = observer.collect(Clock, '/clock'), observer.collect(String, '/chatter')
    with RosProcess(*PLAYER, str(path), '--clock', '--also', '/chatter', '--also', TOPIC,
                    '--start-paused') as player:
        for topic in ('/clock', '/chatter', TOPIC):
            observer.wait_for_publisher(topic)
        player.wait_for_output('paused')
        observer.call(SetBool, '/bag_player/pause', SetBool.Request(data=False))
        assert player.wait() == 0, player.output
        assert 'played 5 clouds' in player.output
    wait_until(lambda: len(words) == 5, what='5 words')
    assert {word.data for word in words} == {'hello'}
    times_ns = [message.clock.sec * 10**9 + message.clock.nanosec for message in clock]
    assert times_ns == sorted(times_ns)
    assert set(times_ns) == {index * PERIOD_NS for index in range(5)}


def test_without_the_options_there_is_neither(tmp_path, observer):
    path, _ = write_bag(tmp_path, 'mcap', count=2, chatter=True)
    with RosProcess(*PLAYER, str(path), '--start-paused') as player:
        player.wait_for_output('paused')
        observer.wait_for_publisher(TOPIC)
        assert observer.node.count_publishers('/clock') == 0
        assert observer.node.count_publishers('/chatter') == 0


@pytest.mark.parametrize(('kind', 'topic', 'words'), [
    ('mcap', '/no', "has no topic '/no'; its topics: /camera/points, /chatter"),
    ('bag', '/chatter', 'is a ROS 1 bag')])
def test_what_cannot_be_played_as_well_is_refused(tmp_path, domain, kind, topic, words):
    path, _ = write_bag(tmp_path, kind, count=2, chatter=True)
    with RosProcess(*PLAYER, str(path), '--also', topic) as player:
        assert player.wait() == 1
        assert words in player.output
        assert 'Traceback' not in player.output


def test_a_message_package_that_is_not_installed_is_named(tmp_path):
    class Bag:
        path = tmp_path

        def type_of(self, topic):
            return 'no_such_msgs/msg/Thing'

    with pytest.raises(MissingDependencyError, match=r'apt install ros-.*-no-such-msgs'):
        other_topics(Bag(), ['/thing'], [])
