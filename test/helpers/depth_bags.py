"""Small bags of depth images and CameraInfo for tests, written by rosbags: MCAP and ROS 1."""

import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

IMAGE, INFO = '/camera/depth/image_raw', '/camera/depth/camera_info'
PERIOD_NS = 20_000_000
HEIGHT, WIDTH, FOCAL_PX = 6, 8, 10.0
_IMAGE, _INFO = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CameraInfo'


def depth_mm(index):
    """The image of a number: 1 m and as many millimetres, but for a pixel without a reading."""
    pixels = np.full((HEIGHT, WIDTH), 1000 + index, np.uint16)
    pixels[0, 0] = 0
    return pixels


def write_depth_bag(folder, kind='mcap', *, count=10, infos=None, topics=(IMAGE, INFO),
                    late_info_s=0, focal_px=FOCAL_PX, encoding='16UC1'):
    """Write a bag of depth images 20 ms apart, stamped by whole seconds; returns its path.

    The first `infos` of them (None: all) come with CameraInfo, stamped later by `late_info_s`,
    whose focal length is `focal_px` more the number, or 0.
    """
    ros_1 = kind == 'bag'
    store = get_typestore(Stores.ROS1_NOETIC if ros_1 else Stores.ROS2_JAZZY)
    path = folder / ('depth.bag' if ros_1 else 'depth')
    writer = Writer1(path) if ros_1 else Writer2(path, version=9,
                                                 storage_plugin=StoragePlugin.MCAP)
    serialize = store.serialize_ros1 if ros_1 else store.serialize_cdr
    with writer:
        image, info = (writer.add_connection(topic, kind, typestore=store)
                       for topic, kind in zip(topics, (_IMAGE, _INFO)))
        for index in range(count):
            time_ns = index * PERIOD_NS
            if infos is None or index < infos:
                message = _info(store, focal_px and focal_px + index, index + late_info_s)
                writer.write(info, time_ns, bytes(serialize(message, _INFO)))
            writer.write(image, time_ns, bytes(serialize(_image(store, index, encoding), _IMAGE)))
    return path


def _header(store, second):
    types = store.types
    extra = {'seq': 0} if 'seq' in types['std_msgs/msg/Header'].__dataclass_fields__ else {}
    stamp = types['builtin_interfaces/msg/Time'](sec=second, nanosec=7)
    return types['std_msgs/msg/Header'](stamp=stamp, frame_id='lens', **extra)


def _image(store, index, encoding):
    return store.types[_IMAGE](
        header=_header(store, index), height=HEIGHT, width=WIDTH, encoding=encoding,
        is_bigendian=0, step=2 * WIDTH, data=depth_mm(index).view(np.uint8).reshape(-1))


def _info(store, focal_px, second):
    k = np.array([focal_px, 0, 3.5, 0, focal_px, 2.5, 0, 0, 1])
    p = np.array([focal_px, 0, 3.5, 0, 0, focal_px, 2.5, 0, 0, 0, 1, 0])
    values = {'d': np.zeros(5), 'k': k, 'r': np.eye(3).reshape(-1), 'p': p}
    if 'K' in store.types[_INFO].__dataclass_fields__:
        values = {name.upper(): value for name, value in values.items()}
    region = store.types['sensor_msgs/msg/RegionOfInterest'](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return store.types[_INFO](header=_header(store, second), height=HEIGHT, width=WIDTH,
                              distortion_model='plumb_bob', binning_x=0, binning_y=0, roi=region,
                              **values)
