"""The comparison with labels: on a bag made here, and on the recorded one."""

import os
from pathlib import Path

from helpers.scenes import SHAPE, box, camera, see, table
import numpy as np
import pytest
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

from pointpng_core.errors import CloudError, FileError
from pointpng_core.evaluation.segmentation.benchmark import evaluate_scene, intersection_over_union
from pointpng_core.evaluation.segmentation.labelled_bag import read_labelled_bag
from pointpng_core.segmentation import SegmenterConfig

DATA = Path(os.environ.get('POINTPNG_DATA', Path(__file__).parents[4] / 'shared' / 'data'))
STACK = (table(), box((0.2, 0.26, 0.06)),
         box((0.1, 0.14, 0.09), (0.02, 0.02, 0.06), rotation_deg=25),
         box((0.08, 0.08, 0.1), (-0.05, 0.3, 0)))


def write_bag(path, clouds, *, datatype=7):
    store = get_typestore(Stores.ROS2_JAZZY)
    types, kind = store.types, 'sensor_msgs/msg/PointCloud2'
    header = types['std_msgs/msg/Header'](
        stamp=types['builtin_interfaces/msg/Time'](sec=0, nanosec=0), frame_id='camera')
    fields = [types['sensor_msgs/msg/PointField'](name=name, offset=4 * axis, datatype=datatype,
                                                  count=1) for axis, name in enumerate('xyz')]
    with Writer(path, version=8) as writer:
        connection = writer.add_connection('/cloud', kind, typestore=store)
        for index, points in enumerate(clouds):
            message = types[kind](
                header=header, height=SHAPE[0], width=SHAPE[1], fields=fields, is_bigendian=False,
                point_step=12, row_step=12 * SHAPE[1], is_dense=False,
                data=np.frombuffer(points.astype('<f4').tobytes(), np.uint8))
            writer.write(connection, index, store.serialize_cdr(message, kind))


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp('recording')
    views = [see(STACK, camera(distance, 38), seed=seed)
             for seed, distance in enumerate((0.7, 0.85))]
    write_bag(folder / 'bag', [points for points, _ in views])
    labels = np.stack([np.maximum(hit, 0).reshape(SHAPE) for _, hit in views]).astype(np.uint8)
    np.savez(folder / 'labels.npz', label=labels)
    return folder, views, labels


def test_a_bag_and_its_labels_are_read_as_they_were_written(recording):
    folder, views, labels = recording
    clouds = list(read_labelled_bag(folder / 'bag', folder / 'labels.npz'))
    assert len(clouds) == len(views)
    for cloud, (points, _), label in zip(clouds, views, labels):
        np.testing.assert_array_equal(cloud.points, points)
        np.testing.assert_array_equal(cloud.label, label.ravel())
        assert cloud.image_shape == SHAPE


def test_both_methods_are_measured_on_the_same_clouds(recording):
    folder, _, _ = recording
    result = evaluate_scene(folder / 'bag', folder / 'labels.npz', config=SegmenterConfig())
    assert (result['frames'], result['objects']) == (2, 6)
    ours, baseline = result['methods']['pointpng'], result['methods']['ransac_dbscan']
    assert ours['recall'] == 1.0
    assert ours['false_share'] == 0.0
    assert baseline['recall'] < 1.0
    assert set(ours) == set(baseline)
    assert result['time_ratio'] == pytest.approx(ours['ms_median'] / baseline['ms_median'])


def test_labels_that_do_not_belong_to_the_bag_are_refused(recording, tmp_path):
    folder, _, labels = recording
    for wrong in (labels[:1], labels[:, :-1], np.concatenate([labels, labels])):
        np.savez(tmp_path / 'wrong.npz', label=wrong)
        with pytest.raises(FileError):
            list(read_labelled_bag(folder / 'bag', tmp_path / 'wrong.npz'))
    np.savez(tmp_path / 'flat.npz', label=labels[0])
    np.savez(tmp_path / 'other.npz', other=labels)
    for name in ('flat.npz', 'other.npz', 'missing.npz'):
        with pytest.raises(FileError, match=name):
            list(read_labelled_bag(folder / 'bag', tmp_path / name))
    with pytest.raises(FileError, match='no_bag'):
        list(read_labelled_bag(tmp_path / 'no_bag', folder / 'labels.npz'))


def test_clouds_of_another_layout_are_refused(recording, tmp_path):
    folder, views, _ = recording
    write_bag(tmp_path / 'bag', [views[0][0]], datatype=6)
    with pytest.raises(CloudError, match='float32'):
        list(read_labelled_bag(tmp_path / 'bag', folder / 'labels.npz'))


def test_overlaps_agree_with_sets():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 200)
    segments = [rng.choice(200, size, replace=False) for size in (1, 40, 90)]
    result = intersection_over_union(label, segments)
    for row, value in enumerate((1, 2, 3)):
        for column, rows in enumerate(segments):
            mine, theirs = set(np.flatnonzero(label == value)), set(rows)
            assert result[row, column] == pytest.approx(len(mine & theirs) / len(mine | theirs))
    assert intersection_over_union(label, []).shape == (3, 0)


@pytest.mark.data
def test_the_recorded_tables_are_segmented_as_people_labelled_them():
    bag, labels = DATA / 'tabletop_kinect', DATA / 'tabletop_kinect_labels.npz'
    if not (bag.exists() and labels.exists()):
        pytest.skip(f'no {bag}: set POINTPNG_DATA to the folder of the shared data sets')
    result = evaluate_scene(bag, labels, config=SegmenterConfig())
    ours, baseline = result['methods']['pointpng'], result['methods']['ransac_dbscan']
    assert (result['frames'], result['objects']) == (24, 55)
    assert ours['recall'] >= 0.95
    assert ours['false_share'] <= 0.1
    assert ours['recall'] > baseline['recall']
