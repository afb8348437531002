"""Mutated messages: each is refused, or gives what a naive decoder reads in it."""

from contextlib import closing
from functools import partial
import sqlite3
from types import SimpleNamespace

from helpers.bags import write_bag
from helpers.changed_clouds import changed_cloud
from helpers.depth_bags import write_depth_bag
from helpers.fuzzing import each_size, fuzz
from helpers.mutations import mutated
from helpers.naive_messages import check_cloud, check_depth
import numpy as np
import pytest
from rosbags.typesys import Stores, get_typestore

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.camera_info import decode_camera
from pointpng_core.io.bags.depth_cloud import decode_depth_cloud
from pointpng_core.io.bags.image_message import DEPTH_UNIT_M, decode_depth, decode_mask
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import CAMERA_INFO_TYPE, CLOUD_TYPE, IMAGE_TYPE, CloudBag

STORE = get_typestore(Stores.ROS2_JAZZY)


def serialized(message, kind):
    return bytes(STORE.serialize_cdr(message, kind))


def received(raw, kind):
    """The message in some bytes; CloudError where rosbags cannot read them."""
    try:
        return STORE.deserialize_cdr(raw, kind)
    except Exception as error:
        raise CloudError(str(error)[:100]) from error


@pytest.fixture
def clouds(tmp_path):
    """Serialised clouds, packed and organised, and one of float64 of the other byte order."""
    found = []
    for index, shape in enumerate([(1, 60), (6, 10)]):
        points = np.random.default_rng(index).normal(size=(1, 60, 3))
        points[0, 7] = np.nan
        _, storage = write_bag(tmp_path / str(index), 'db3', count=1, clouds=points, shape=shape)
        with closing(sqlite3.connect(storage)) as connection:
            found.append(connection.execute('SELECT data FROM messages').fetchone()[0])
    message = STORE.deserialize_cdr(found[0], CLOUD_TYPE)
    wide = points[0].astype('>f8')
    for axis, field in enumerate(message.fields):
        field.datatype, field.offset = 8, 8 * axis
    message.is_bigendian, message.point_step, message.row_step = True, 24, 24 * 60
    message.data = np.frombuffer(wide.tobytes(), np.uint8)
    return [*found, serialized(message, CLOUD_TYPE)]


@pytest.fixture
def depths(tmp_path):
    """Serialised depth images and their CameraInfo."""
    with CloudBag(write_depth_bag(tmp_path, count=3)) as bag:
        return [[serialized(message, kind) for _, _, message in bag.messages(bag.topics_of(kind))]
                for kind in (IMAGE_TYPE, CAMERA_INFO_TYPE)]


def read_cloud_message(raw):
    message = received(raw, CLOUD_TYPE)
    check_cloud(message, decode_cloud(message))


@each_size
def test_serialised_clouds(clouds, inputs):
    fuzz(read_cloud_message, mutated(clouds, tokens=[b'x\0', b'y\0', b'z\0']), inputs=inputs,
         valid=3, name='PointCloud2 as bytes').check()


@each_size
def test_clouds_of_extreme_fields(clouds, inputs):
    def read(message):
        check_cloud(message, decode_cloud(message))
    fuzz(read, partial(changed_cloud, clouds[1]), inputs=inputs,
         name='PointCloud2 by fields').check()


@each_size
def test_depth_images_with_their_camera(depths, inputs):
    images, cameras = (mutated(raw) for raw in depths)

    def read(index):
        image = received(images(index if index % 2 else 0), IMAGE_TYPE)
        camera = received(cameras(0 if index % 2 else index), CAMERA_INFO_TYPE)
        check_depth(image, decode_depth(image), unit_m=DEPTH_UNIT_M)
        cloud = decode_depth_cloud(image, camera, rectified=index % 4 > 1)
        depth_m = decode_depth(image)
        finite = np.isfinite(cloud.points).all(axis=1)
        np.testing.assert_array_equal(cloud.points[finite, 2], depth_m.ravel()[finite])
    fuzz(read, lambda index: index, inputs=inputs, name='Image and CameraInfo').check()


@each_size
def test_camera_infos(depths, inputs):
    def read(raw):
        message = received(raw, CAMERA_INFO_TYPE)
        for rectified in (False, True):
            camera = decode_camera(message, rectified=rectified)
            assert np.isfinite([camera.fx, camera.fy, camera.cx, camera.cy]).all()
            assert min(camera.fx, camera.fy, *camera.image_shape) > 0
    fuzz(read, mutated(depths[1]), inputs=inputs, valid=3, name='CameraInfo').check()


@each_size
def test_masks(depths, inputs):
    image = STORE.deserialize_cdr(depths[0][0], IMAGE_TYPE)
    image.encoding, image.step, image.data = 'mono8', 8, image.data[:48]

    def read(raw):
        message = received(raw, IMAGE_TYPE)
        mask = decode_mask(message)
        assert mask.shape == (message.height, message.width)
        if message.encoding in ('mono8', '8UC1', '8SC1'):
            rows = bytes(message.data)
            assert mask[-1].tolist() == [value != 0 for value in rows[
                (message.height - 1) * message.step:][:message.width]]
    fuzz(read, mutated([serialized(image, IMAGE_TYPE)]), inputs=inputs, name='mask image').check()


def test_the_naive_decoder_finds_a_wrong_point(clouds):
    message = STORE.deserialize_cdr(clouds[2], CLOUD_TYPE)
    cloud = decode_cloud(message)
    check_cloud(message, cloud)
    wrong = SimpleNamespace(points=cloud.points + np.float32(1), finite_share=cloud.finite_share)
    with pytest.raises(AssertionError):
        check_cloud(message, wrong)
