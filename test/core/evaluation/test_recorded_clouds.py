"""The frames of a recording, whether they are clouds or depth images."""

from helpers.bags import TOPIC
from helpers.depth_bags import IMAGE, INFO, depth_mm, write_depth_bag
from helpers.recordings import make_settings, write_recording
import numpy as np
import pytest

from pointpng_core.errors import ConfigError
from pointpng_core.evaluation.recordings.bag_list import find_recordings
from pointpng_core.evaluation.recordings.recorded_clouds import choose_stream
from pointpng_core.evaluation.recordings.result_file import read_records
from pointpng_core.evaluation.recordings.settings import FrameModel
from pointpng_core.evaluation.recordings.tasks import Task
from pointpng_core.evaluation.recordings.worker import FrameWorker
from pointpng_core.io.bags.reader import CloudBag


@pytest.mark.parametrize('asked', [IMAGE, None])
def test_depth_images_of_a_bag_are_clouds(tmp_path, asked):
    with CloudBag(write_depth_bag(tmp_path, count=3)) as bag:
        stream = choose_stream(bag, asked)
        found = list(stream.clouds())
        assert (stream.topic, stream.count) == (IMAGE, 3)
    assert [recorded.stamp_ns for recorded in found] == [index * 10**9 + 7 for index in range(3)]
    for index, recorded in enumerate(found):
        assert (recorded.frame_id, recorded.refused) == ('lens', None)
        depth_m = recorded.cloud.points[1:, 2]
        np.testing.assert_allclose(depth_m, depth_mm(index).reshape(-1)[1:] / 1000, rtol=1e-6)


def test_the_unit_and_the_camera_info_can_be_told(tmp_path):
    path = write_depth_bag(tmp_path, count=1, topics=(IMAGE, '/elsewhere/info'))
    with CloudBag(path) as bag:
        stream = choose_stream(bag, None, camera_info='/elsewhere/info', unit_m=0.0001)
        recorded, = stream.clouds()
    np.testing.assert_allclose(recorded.cloud.points[1:, 2],
                               depth_mm(0).reshape(-1)[1:] / 10_000, rtol=1e-6)


@pytest.mark.parametrize(('topics', 'words'), [
    ((IMAGE, '/elsewhere/camera_info'), 'CameraInfo'),
    (('/no_sibling', INFO), "no CameraInfo topic '/camera_info'")])
def test_bags_without_depth_or_camera_info_are_refused_by_name(tmp_path, topics, words):
    path = write_depth_bag(tmp_path, count=1, topics=topics)
    with CloudBag(path) as bag, pytest.raises(ConfigError, match=words):
        choose_stream(bag)


def test_the_encoding_tells_depth_where_no_name_does(tmp_path):
    topics = ('/cam/image_rect_raw', '/cam/camera_info')
    with CloudBag(write_depth_bag(tmp_path, count=2, topics=topics)) as bag:
        stream = choose_stream(bag)
        assert (stream.topic, len(list(stream.clouds())), bag.damage) == (topics[0], 2, '')


def test_colour_images_are_no_depth(tmp_path):
    path = write_depth_bag(tmp_path, topics=('/cam/image', '/cam/camera_info'), encoding='rgb8')
    with CloudBag(path) as bag, pytest.raises(
            ConfigError, match='no PointCloud2 topic, and 0 depth image topics, choose one'):
        choose_stream(bag)


@pytest.mark.parametrize(('options', 'words'), [
    ({'camera_info': INFO}, f'--camera-info {INFO} belongs to depth images, .* has clouds'),
    ({'unit_m': 0.0001}, '--depth-scale 0.1 belongs to depth images, .* has clouds')])
def test_options_of_depth_images_for_clouds_are_a_mistake(tmp_path, options, words):
    write_recording(tmp_path / 'bag', clouds=1)
    with CloudBag(tmp_path / 'bag') as bag, pytest.raises(ConfigError, match=words):
        choose_stream(bag, **options)


def test_a_misspelt_topic_is_answered_with_those_of_clouds_and_depth(tmp_path):
    words = (f"no topic '{IMAGE[:-1]}' of clouds or depth images; clouds: none; "
             f'depth images: {IMAGE}$')
    with CloudBag(write_depth_bag(tmp_path)) as bag, pytest.raises(ConfigError, match=words):
        choose_stream(bag, IMAGE[:-1])
    write_recording(tmp_path / 'bag', clouds=1)
    with CloudBag(tmp_path / 'bag') as bag, pytest.raises(
            ConfigError, match=f"no topic '/x' .* clouds: {TOPIC}; depth images: none"):
        choose_stream(bag, '/x')


def test_files_of_results_are_written_of_depth_images_too(tmp_path):
    write_depth_bag(tmp_path / 'bags', count=3)
    recording, = find_recordings([str(tmp_path / 'bags')])
    worker = FrameWorker(FrameModel(make_settings(tmp_path, topic=IMAGE, frames=2)))
    calls = []
    summary = worker.process(Task(recording=recording, target=tmp_path / 'out.jsonl'),
                             lambda done, total: calls.append((done, total)))
    assert (summary['error'], summary['frames'], calls[-1]) == (None, 2, (2, 2))
    header, *frames, _ = read_records(tmp_path / 'out.jsonl')
    assert header['topic'] == IMAGE
    assert len(frames) == 2
