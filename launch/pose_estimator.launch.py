"""Launch pose_estimator, and on request a bag player and RViz beside it.

ros2 launch pointpng_ros pose_estimator.launch.py cloud_topic:=/camera/depth/points objects:=DIR
"""

import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

PACKAGE = 'pointpng_ros'
CLOUD_TOPIC = '/camera/depth/points'
CONFIG = os.path.join(get_package_share_directory(PACKAGE), 'config')
TRUTHS = {'true': True, '1': True, 'false': False, '0': False}

# name: (default, description); an empty value leaves the matter to params_file
ARGUMENTS = {
    'params_file': (os.path.join(CONFIG, 'pose_estimator.yaml'), 'Parameter file of the node.'),
    'namespace': ('', 'Namespace of all nodes.'),
    'use_sim_time': ('false', 'Take the time from /clock.'),
    'log_level': ('info', 'Severity of the log: debug, info, warn, error or fatal.'),
    'cloud_topic': ('', f'PointCloud2 topic; empty: as in params_file ({CLOUD_TOPIC}).'),
    'objects': ('', 'Folder of the object library (objects.yaml); empty: as in params_file '
                    '(none: the first cloud shows the objects).'),
    'model': ('', 'Embedding that drives the search: training_free, a shipped model, or the '
                  'folder of a checkpoint or training run; empty: as in params_file '
                  '(training_free).'),
    'device': ('', 'Torch device: cpu, cuda or cuda:N; empty: as in params_file (cpu).'),
    'target_frame': ('', 'Frame to publish poses in; empty: as in params_file (the frame of the '
                         'cloud).'),
    'publish_tf': ('', 'Broadcast every pose on /tf as well; empty: as in params_file (false).'),
    'bag': ('', 'Bag whose clouds are played on the cloud topic; empty: none.'),
    'rviz': ('false', 'Open RViz with the display of clouds and poses.'),
}


def generate_launch_description():
    """Return the arguments and the nodes that they ask for."""
    declared = [DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()]
    return LaunchDescription([*declared, OpaqueFunction(function=_nodes)])


def _nodes(context):
    values = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    nodes = [_pose_estimator(values)]
    if values['bag']:
        nodes.append(Node(
            package=PACKAGE, executable='play', output='screen', namespace=values['namespace'],
            arguments=[values['bag'], '--wait', '30',
                       '--as', values['cloud_topic'] or CLOUD_TOPIC]))
    if _truth('rviz', values):
        nodes.append(Node(
            package='rviz2', executable='rviz2', namespace=values['namespace'],
            arguments=['-d', os.path.join(CONFIG, 'pose_estimator.rviz')],
            parameters=[{'use_sim_time': _truth('use_sim_time', values)}]))
    return nodes


def _pose_estimator(values):
    given = {name: values[name]
             for name in ('cloud_topic', 'objects', 'model', 'device', 'target_frame')
             if values[name]}
    given['use_sim_time'] = _truth('use_sim_time', values)
    if values['publish_tf']:
        given['publish_tf'] = _truth('publish_tf', values)
    return Node(
        package=PACKAGE, executable='pose_estimator', name='pose_estimator', output='screen',
        namespace=values['namespace'], parameters=[values['params_file'], given],
        arguments=['--ros-args', '--log-level', values['log_level']])


def _truth(name, values):
    try:
        return TRUTHS[values[name].lower()]
    except KeyError:
        raise ValueError(f'{name}:={values[name]}: give true or false') from None
