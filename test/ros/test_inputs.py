"""Clouds on their way to the worker: mailbox, worker, camera names, the watch for silence."""

import threading
import time

from harness import wait_until
import pytest

from pointpng_ros.inputs.cameras import camera_names
from pointpng_ros.inputs.cloud_topics import CAMERA_INFOS, CLOUD_TYPE, DEPTH_IMAGES
from pointpng_ros.inputs.mailbox import Mailbox
from pointpng_ros.inputs.silence_watch import Publisher, explain_silence
from pointpng_ros.processing.worker import Worker


def test_the_mailbox_keeps_the_newest_and_counts_the_rest():
    box = Mailbox()
    for number in range(5):
        box.put(number)
    assert (box.take(), box.dropped) == (4, 4)
    box.put(5)
    assert (box.take(), box.dropped) == (5, 4)


def test_slots_take_turns_and_are_counted_apart():
    box = Mailbox(3)
    for number in range(4):
        for slot in range(2):
            box.put((slot, number), slot)
    assert [box.take(), box.take()] == [(0, 3), (1, 3)]
    for slot in (0, 1, 2):
        box.put((slot, 9), slot)
    assert [box.take()[0] for _ in range(3)] == [2, 0, 1]
    assert [box.counts(slot) for slot in range(3)] == [(3, 0), (3, 0), (0, 0)]
    assert box.dropped == 6


def test_a_busy_slot_does_not_starve_another():
    box, taken = Mailbox(2), []
    box.put('rare', 1)
    for _ in range(4):
        box.put('often', 0)
        taken.append(box.take())
    assert taken.count('rare') == 1


def test_the_rate_is_limited_with_the_newest_item_and_what_is_skipped_is_no_drop():
    box = Mailbox()
    box.limit_rate(5.0)
    box.put(0)
    start_s = time.monotonic()
    assert box.take() == 0
    for number in range(1, 6):
        box.put(number)
    assert box.take() == 5
    assert 0.19 < time.monotonic() - start_s < 2.0
    assert box.counts() == (0, 4)
    time.sleep(0.21)
    box.put(6)
    box.put(7)
    assert (box.take(), box.counts()) == (7, (1, 4))


def test_a_closed_mailbox_gives_nothing_and_wakes_who_waits():
    box, taken = Mailbox(), []
    thread = threading.Thread(target=lambda: taken.append(box.take()))
    thread.start()
    box.close()
    thread.join(5)
    box.put(1)
    assert (taken, box.take()) == ([None], None)


def test_no_item_is_lost_or_doubled_between_threads():
    box, taken = Mailbox(), []
    worker = Worker(box, taken.append, pytest.fail)
    worker.start()
    for number in range(2000):
        box.put(number)
    wait_until(lambda: taken and taken[-1] == 1999, what='the newest item')
    assert worker.stop(5)
    assert taken == sorted(set(taken))
    assert len(taken) + box.dropped == 2000


def test_the_worker_survives_what_the_handler_raises():
    box, errors, busy, release = Mailbox(), [], threading.Event(), threading.Event()

    def handle(item):
        if item == 'slow':
            busy.set()
            assert release.wait(20)
        raise ValueError(item)

    worker = Worker(box, handle, lambda item, error: errors.append(str(error)))
    worker.start()
    for item in ('one', 'two'):
        box.put(item)
        wait_until(lambda item=item: item in errors, what=item)
    box.put('slow')
    assert busy.wait(20)
    assert not worker.stop(0.05)
    release.set()
    assert worker.stop(5)
    assert errors == ['one', 'two', 'slow']


def test_a_worker_that_never_started_stops():
    assert Worker(Mailbox(), print, print).stop(1)


@pytest.mark.parametrize(('topics', 'names'), [
    (['/camera/depth/points'], ['']),
    (['/left/depth/points', '/right/depth/points'], ['left', 'right']),
    (['/cell/cam_1/points', '/cell/cam_2/points'], ['cam_1', 'cam_2']),
    (['points/left', 'points/right', 'points/up'], ['left', 'right', 'up']),
    (['/a/x/points', '/b/y/points'], ['a_x', 'b_y']),
    (['/points', '/points/left'], ['camera_0', 'camera_1']),
    (['/a/b', '/a_b', '/c'], ['camera_0', 'camera_1', 'camera_2']),
])
def test_cameras_are_named_by_what_differs_in_their_topics(topics, names):
    assert camera_names(topics) == names


def publisher(reliability, topic_type=CLOUD_TYPE):
    return Publisher(node='/driver', topic_type=topic_type, reliability=reliability)


def test_depth_images_of_a_camera_without_clouds_are_proposed():
    depth_images = ['/camera/depth/image_rect_raw']
    text = explain_silence('/points', 'reliable', [], [], depth_images=depth_images)
    assert '-p input:=depth -p depth_topic:=/camera/depth/image_rect_raw' in text
    clouds_first = explain_silence('/points', 'reliable', [], ['/b'], depth_images=depth_images)
    assert '-p cloud_topic:=/b' in clouds_first


@pytest.mark.parametrize(('kind', 'words'), [
    (DEPTH_IMAGES, 'No Image topic is published now'),
    (CAMERA_INFOS, 'No CameraInfo topic is published now')])
def test_other_inputs_are_explained_in_their_own_words(kind, words):
    assert words in explain_silence('/a', 'reliable', [], [], kind=kind)
    text = explain_silence('/a', 'reliable', [], ['/b'], kind=kind)
    assert f'Fix: -p {kind.parameter}:=/b' in text
    known = explain_silence('/a', 'best_effort', [publisher('best_effort')], [], kind=kind)
    assert f'None of them publishes {kind.message_type}' in known


@pytest.mark.parametrize(('reliability', 'publishers', 'others', 'words'), [
    ('best_effort', [], [], 'start the camera driver'),
    ('best_effort', [], ['/a', '/b'], '-p cloud_topic:=/a'),
    ('reliable', [publisher('best_effort')], [], '-p cloud_reliability:=best_effort'),
    ('best_effort', [publisher('reliable')], [], '-p cloud_reliability:=reliable'),
    ('best_effort', [publisher('best_effort')], [], 'fastdds_large_clouds.xml'),
    ('reliable', [publisher('reliable')], [], 'start the publisher again'),
    ('reliable', [publisher('reliable', 'sensor_msgs/msg/Image')], [], 'Fix: another cloud_topic'),
])
def test_silence_is_explained_with_the_fix(reliability, publishers, others, words):
    text = explain_silence('/points', reliability, publishers, others)
    assert words in text
    assert all(p.node in text and p.reliability in text for p in publishers)
