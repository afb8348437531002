"""A launch file as a process, as `ros2 launch` runs it: python launched.py FILE NAME:=VALUE ..."""

import sys

from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource


def main(path, *words):
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
        PythonLaunchDescriptionSource(path),
        launch_arguments=[tuple(word.split(':=', 1)) for word in words])]))
    return service.run()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
