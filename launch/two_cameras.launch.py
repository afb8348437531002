"""Launch one pose_estimator for each of two cameras, in a namespace of its own.

ros2 launch pointpng_ros two_cameras.launch.py objects:=DIR \
    camera_1:=left cloud_topic_1:=/left/points camera_2:=right cloud_topic_2:=/right/points
"""

import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.launch_description_sources import (
    PythonLaunchDescriptionSource,
    get_launch_description_from_python_launch_file,
)
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = get_package_share_directory('pointpng_ros')
ONE_CAMERA = os.path.join(SHARE, 'launch', 'pose_estimator.launch.py')
CAMERAS = ('1', '2')
# Arguments of the launch file of one camera: those given for each camera, and those not used here.
EACH = ('cloud_topic', 'depth_topic', 'sensor_frame', 'camera_frame', 'camera_pose')
HIDDEN = {'namespace': '', 'frame_prefix': '', 'bag': '', 'rviz': 'false'}


def generate_launch_description():
    """Return the arguments, and both cameras' nodes."""
    one_camera = get_launch_description_from_python_launch_file(ONE_CAMERA)
    shared = [argument for argument in one_camera.get_launch_arguments()
              if argument.name not in (*EACH, *HIDDEN)]
    own = [argument for number in CAMERAS for argument in _arguments(number)]
    rviz = DeclareLaunchArgument('rviz', default_value='false', choices=['true', 'false'],
                                 description='Open RViz with the clouds and poses of both.')
    return LaunchDescription([*own, *shared, rviz, OpaqueFunction(function=_actions)])


def _arguments(number):
    texts = {
        f'camera_{number}': (f'camera_{number}', 'Namespace of its node and of its outputs: '
                                                 f'/CAMERA_{number}/pointpng/pose.'),
        f'cloud_topic_{number}': (f'/camera_{number}/depth/points', 'Its PointCloud2 topic.'),
        f'depth_topic_{number}': (f'/camera_{number}/depth/image_raw',
                                  'Image topic of its depth images, for input:=depth.'),
        f'sensor_frame_{number}': ('', 'Optical frame of its sensor, where its clouds are in '
                                       'another frame.'),
        f'camera_frame_{number}': ('', f'Frame of its clouds, for camera_pose_{number}.'),
        f'camera_pose_{number}': (
            '', f"Pose of camera_frame_{number} in target_frame, 'x y z roll pitch yaw' in metres "
                'and radians, published as a static transform; empty: tf has it already.'),
    }
    return [DeclareLaunchArgument(name, default_value=default, description=text)
            for name, (default, text) in texts.items()]


def _actions(context):
    def value(name):
        return LaunchConfiguration(name).perform(context)

    spaces = {number: value(f'camera_{number}').strip('/') for number in CAMERAS}
    if not all(spaces.values()) or len(set(spaces.values())) < len(CAMERAS):
        raise ValueError(f'camera_1:={spaces["1"]} camera_2:={spaces["2"]}: give two different '
                         'names, or the outputs of both cameras mix')
    given = {number: {name: value(f'{name}_{number}') for name in EACH} for number in CAMERAS}
    nodes = [_camera(spaces[number], given[number]) for number in CAMERAS]
    if value('rviz') == 'true':
        topics = {number: given[number]['cloud_topic'] for number in CAMERAS}
        nodes.append(_rviz(spaces, topics, value('fixed_frame') or value('target_frame')))
    return nodes


def _camera(space, given):
    """One camera's node; the group keeps its arguments from the other's."""
    prefix = space.replace('/', '_') + '_'       # both may broadcast mug_0 on the same /tf
    arguments = {**HIDDEN, **given, 'namespace': space, 'frame_prefix': prefix}
    return GroupAction([IncludeLaunchDescription(PythonLaunchDescriptionSource(ONE_CAMERA),
                                                 launch_arguments=arguments.items())])


def _rviz(spaces, cloud_topics, frame):
    remappings = [(f'/camera_{number}/depth/points', cloud_topics[number]) for number in CAMERAS]
    remappings += [(f'/camera_{number}/pointpng/markers', f'/{spaces[number]}/pointpng/markers')
                   for number in CAMERAS]
    return Node(package='rviz2', executable='rviz2', remappings=remappings,
                arguments=['-d', os.path.join(SHARE, 'config', 'two_cameras.rviz'),
                           *(('-f', frame) if frame else ())])
