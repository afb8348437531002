"""`pointpng play` as a real process: clouds over DDS, pause service, damage, refusals."""

import os
import pty
import signal
import subprocess
import sys

from harness import REPOSITORY, RosProcess, wait_until
from helpers.bags import TOPIC, write_bag
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import SetBool

from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_ros.inputs.cloud_topics import cloud_qos

PLAYER = ('-m', 'pointpng_ros.nodes.bag_player')


@pytest.mark.parametrize('kind', ['mcap', 'db3', 'bag'])
def test_all_clouds_arrive_unchanged(tmp_path, observer, kind):
    path, _ = write_bag(tmp_path, kind)
    clouds = observer.collect(PointCloud2, '/played', cloud_qos('reliable', depth=50))
    with RosProcess(*PLAYER, str(path), '--as', '/played', '--wait', '20') as player:
        assert player.wait() == 0, player.output
        assert 'played 10 clouds' in player.output
    wait_until(lambda: len(clouds) == 10, what='10 clouds')
    assert [cloud.header.stamp.sec for cloud in clouds] == list(range(10))
    assert {cloud.header.frame_id for cloud in clouds} == {'kinect'}
    for index, cloud in enumerate(clouds):
        np.testing.assert_array_equal(decode_cloud(cloud).points, np.full((200, 3), index))


def test_the_service_pauses_and_resumes_a_loop(tmp_path, observer):
    path, _ = write_bag(tmp_path, 'mcap')
    clouds = observer.collect(PointCloud2, TOPIC, cloud_qos('reliable', depth=50))
    with RosProcess(*PLAYER, str(path), '--loop', '--start-paused', '--rate', '5') as player:
        player.wait_for_output('paused')
        observer.wait_for_publisher(TOPIC)
        assert not clouds
        answer = observer.call(SetBool, '/bag_player/pause', SetBool.Request(data=False))
        assert (answer.success, answer.message) == (True, 'resumed after cloud 0')
        wait_until(lambda: len(clouds) > 12, what='a second round')
        answer = observer.call(SetBool, '/bag_player/pause', SetBool.Request(data=True))
        paused_at = int(answer.message.split()[-1])
        player.send(signal.SIGINT)
        assert player.wait() == 0
        assert 'Traceback' not in player.output
    assert len(clouds) <= paused_at + 1


def test_a_truncated_bag_says_what_is_lost(tmp_path, domain):
    path, storage = write_bag(tmp_path, 'mcap', count=10, width=90_000)
    storage.write_bytes(storage.read_bytes()[:storage.stat().st_size // 2])
    with RosProcess(*PLAYER, str(path), '--rate', '50') as player:
        assert player.wait() == 0, player.output
        assert 'of 10 clouds are lost' in player.output


@pytest.mark.parametrize(('arguments', 'words'), [
    (['/no/such/bag'], 'there is no bag /no/such/bag'),
    (['{bag}', '--topic', '/x'], f"no PointCloud2 topic '/x'; it has: {TOPIC} (3 clouds)"),
    (['{bag}', '--as', 'a b'], 'is no topic name')])
def test_what_cannot_be_played_is_refused_readably(tmp_path, domain, arguments, words):
    path, _ = write_bag(tmp_path, 'mcap', count=3)
    with RosProcess(*PLAYER, *(text.format(bag=path) for text in arguments)) as player:
        assert player.wait() == 1
        assert words in player.output
        assert 'Traceback' not in player.output


def test_the_space_key_pauses_on_a_terminal(tmp_path, domain):
    path, _ = write_bag(tmp_path, 'mcap')
    ours, theirs = pty.openpty()
    environment = {**os.environ, 'PYTHONPATH': str(REPOSITORY), 'PYTHONUNBUFFERED': '1'}
    player = subprocess.Popen(
        [sys.executable, '-c', 'import os, sys, fcntl, termios; os.setsid(); '
         'fcntl.ioctl(0, termios.TIOCSCTTY, 0); from pointpng_ros import bag_player; '
         'sys.exit(bag_player.main(sys.argv[1:]))', str(path), '--loop'],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=REPOSITORY)
    os.close(theirs)
    try:
        seen = read_until(ours, 'playing 10 clouds')
        os.write(ours, b' ')
        seen += read_until(ours, 'paused after')
        os.write(ours, b' ')
        seen += read_until(ours, 'resumed after')
        os.write(ours, b'\x03')                       # Ctrl-C as the terminal delivers it
        assert player.wait(20) == 0
        assert 'Traceback' not in seen
    finally:
        player.kill()
        player.wait()
        os.close(ours)


def read_until(descriptor, text):
    seen = ''
    while text not in seen:
        seen += os.read(descriptor, 4096).decode(errors='replace')
    return seen
