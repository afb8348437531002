"""Launch pose_estimator, and on request a bag player, a camera's static transform and RViz.

ros2 launch pointpng_ros pose_estimator.launch.py cloud_topic:=/camera/depth/points objects:=DIR
"""

import math
import os
import re

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

PACKAGE = 'pointpng_ros'
CLOUD_TOPIC = '/camera/depth/points'
DEPTH_TOPIC = '/camera/depth/image_raw'
INPUTS = ('cloud', 'depth')
CONFIG = os.path.join(get_package_share_directory(PACKAGE), 'config')
TRUTHS = {'true': True, '1': True, 'false': False, '0': False}
LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
REFERENCES = ('auto', 'library', 'first_look', 'previous_frame', 'topic')
NAMESPACE = re.compile(r'/?([A-Za-z_]\w*(/[A-Za-z_]\w*)*)?', re.ASCII)
AXES = ('--x', '--y', '--z', '--roll', '--pitch', '--yaw')
PROFILE = 'FASTRTPS_DEFAULT_PROFILES_FILE'

# name: (default, description); an empty value leaves the matter to params_file
ARGUMENTS = {
    'params_file': (os.path.join(CONFIG, 'pose_estimator.yaml'), 'Parameter file of the node.'),
    'namespace': ('', 'Namespace of the nodes and of their outputs: /NAMESPACE/pointpng/pose.'),
    'use_sim_time': ('false', 'Take the time from /clock: true or false.'),
    'log_level': ('info', 'Severity of the log: debug, info, warn, error or fatal.'),
    'respawn': ('false', 'Start the node again when it ends: true or false.'),
    'respawn_delay': ('2.0', 'Seconds before it is started again.'),
    'cloud_topic': ('', 'PointCloud2 topic, or several for several cameras of one node, with '
                        f'commas between; empty: as in params_file ({CLOUD_TOPIC}).'),
    'input': ('', 'What the camera publishes: cloud (PointCloud2) or depth (Image with '
                  'CameraInfo); empty: as in params_file (cloud).'),
    'depth_topic': ('', 'Image topic of the depth images, or several, for input:=depth; empty: as '
                        f'in params_file ({DEPTH_TOPIC}).'),
    'sensor_frame': ('', 'Optical frame of the sensor, where the clouds are in another frame, by '
                         'tf; empty: as in params_file (none).'),
    'objects': ('', 'Folder of the object library (objects.yaml); empty: as in params_file '
                    '(none: the first cloud shows the objects).'),
    'reference': ('', f'What poses are relative to: {", ".join(REFERENCES)}; empty: as in '
                      'params_file (auto: the library, or first_look without one).'),
    'reference_topic': ('', 'PointCloud2 topic that shows the objects, for reference:=topic; '
                            'empty: as in params_file.'),
    'model': ('', 'Embedding that drives the search: training_free, a shipped model, or the '
                  'folder of a checkpoint or training run; empty: as in params_file '
                  '(training_free).'),
    'device': ('', 'Torch device: cpu, cuda or cuda:N; empty: as in params_file (cpu).'),
    'target_frame': ('', 'Frame to publish poses in; empty: as in params_file (the frame of the '
                         'cloud).'),
    'publish_tf': ('', 'Broadcast every pose on /tf as well: true or false; empty: as in '
                       'params_file (false).'),
    'frame_prefix': ('', 'Put before the names of child frames, where several nodes share /tf; '
                         'empty: as in params_file (none).'),
    'camera_frame': ('', 'Frame of the clouds, for camera_pose.'),
    'camera_pose': ('', "Pose of camera_frame in target_frame, 'x y z roll pitch yaw' in metres "
                        'and radians, published as a static transform; empty: tf has it already.'),
    'bag': ('', 'Bag whose clouds are played on the (first) cloud topic, or whose depth images on '
                'the (first) depth topic; empty: none.'),
    'rviz': ('false', 'Open RViz with the display of clouds and poses: true or false.'),
    'fixed_frame': ('', 'Fixed frame of RViz; empty: target_frame, or camera_frame, or '
                        'camera_optical_frame.'),
}
STRINGS = ('input', 'cloud_topic', 'depth_topic', 'sensor_frame', 'objects', 'reference',
           'reference_topic', 'model', 'device', 'target_frame', 'frame_prefix')


def generate_launch_description():
    """Return the arguments and the nodes that they ask for."""
    declared = [DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()]
    return LaunchDescription([*declared, OpaqueFunction(function=_nodes)])


def _nodes(context):
    values = _checked({name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS})
    nodes = [_pose_estimator(values)]
    if values['camera_pose']:
        nodes.append(_static_transform(values))
    if values['bag']:
        nodes.append(_player(values))
    if _truth('rviz', values):
        nodes.append(_rviz(values))
    return nodes


def _pose_estimator(values):
    given = {name: ParameterValue(values[name], value_type=str)     # objects:=7 is a folder
             for name in STRINGS if values[name]}
    given['use_sim_time'] = _truth('use_sim_time', values)
    if values['publish_tf']:
        given['publish_tf'] = _truth('publish_tf', values)
    return Node(
        package=PACKAGE, executable='pose_estimator', name='pose_estimator', output='screen',
        namespace=values['namespace'], parameters=[values['params_file'], given],
        respawn=_truth('respawn', values), respawn_delay=_seconds('respawn_delay', values),
        arguments=['--ros-args', '--log-level', values['log_level']])


def _static_transform(values):
    numbers = _six_numbers('camera_pose', values)
    for name in ('camera_frame', 'target_frame'):
        if not values[name]:
            raise ValueError(f'camera_pose:={values["camera_pose"]} needs {name}: give '
                             f'{name}:=FRAME')
    words = [word for axis, number in zip(AXES, numbers) for word in (axis, str(number))]
    return Node(
        package='tf2_ros', executable='static_transform_publisher',
        namespace=values['namespace'],
        arguments=[*words, '--frame-id', values['target_frame'],
                   '--child-frame-id', values['camera_frame']])


def _player(values):
    # Without a profile the clouds overflow the shared memory, and a best-effort node misses most.
    profile = os.environ.get(PROFILE, os.path.join(CONFIG, 'fastdds_large_clouds.xml'))
    return Node(
        package=PACKAGE, executable='play', output='screen', namespace=values['namespace'],
        arguments=[values['bag'], '--wait', '30', *_played_as(values)],
        additional_env={PROFILE: profile})


def _rviz(values):
    frame = values['fixed_frame'] or values['target_frame'] or values['camera_frame']
    return Node(
        package='rviz2', executable='rviz2', namespace=values['namespace'],
        arguments=['-d', os.path.join(CONFIG, 'pose_estimator.rviz'),
                   *(('-f', frame) if frame else ())],
        remappings=[(CLOUD_TOPIC, _first_topic(values)),
                    ('/pointpng/markers', 'pointpng/markers'),
                    ('/pointpng/segments', 'pointpng/segments')],
        parameters=[{'use_sim_time': _truth('use_sim_time', values)}])


def _played_as(values):
    if values['input'] == 'depth':
        return '--depth', '--as', _first_topic(values, 'depth_topic', DEPTH_TOPIC)
    return '--as', _first_topic(values)


def _first_topic(values, name='cloud_topic', default=CLOUD_TOPIC):
    return values[name].partition(',')[0].strip() or default


def _checked(values):
    """Return the values with ~ expanded; ValueError for what the nodes would explain less well."""
    paths = {name: os.path.expanduser(values[name]) for name in ('params_file', 'objects', 'bag')}
    for name, path in paths.items():
        if path and not os.path.exists(path):
            raise ValueError(f'{name}:={path} does not exist')
    if not NAMESPACE.fullmatch(values['namespace']):
        raise ValueError(f'namespace:={values["namespace"]}: give letters, digits and _, parted '
                         'by /, for example robot/left')
    _one_of(LEVELS, 'log_level', values)
    if values['input']:
        _one_of(INPUTS, 'input', values)
    if values['reference']:
        _one_of(REFERENCES, 'reference', values)
    if values['bag']:           # the node listens where it is played, whatever params_file says
        paths['input'] = values['input'] or 'cloud'
        name, default = (('depth_topic', DEPTH_TOPIC) if paths['input'] == 'depth'
                         else ('cloud_topic', CLOUD_TOPIC))
        paths[name] = values[name] or default
    return values | paths


def _one_of(choices, name, values):
    if values[name] not in choices:
        raise ValueError(f'{name}:={values[name]}: give one of {", ".join(choices)}')


def _truth(name, values):
    try:
        return TRUTHS[values[name].lower()]
    except KeyError:
        raise ValueError(f'{name}:={values[name]}: give true or false') from None


def _seconds(name, values):
    try:
        seconds = float(values[name])
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f'{name}:={values[name]}: give seconds, 0 or more')
    return seconds


def _six_numbers(name, values):
    try:
        numbers = [float(word) for word in values[name].split()]
    except ValueError:
        numbers = []
    if len(numbers) != len(AXES) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name}:='{values[name]}': give six numbers, 'x y z roll pitch yaw', in "
                         'metres and radians')
    return numbers
