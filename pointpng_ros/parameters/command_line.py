"""The arguments of a node that are not those of ROS."""

import argparse
from collections.abc import Sequence

from rclpy.utilities import remove_ros_args


def own_options(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Return the options among words that hold ROS arguments too.

    Exits with one line, as argparse does, also for ROS arguments that are refused.
    """
    try:
        own = remove_ros_args(list(words))
    except RuntimeError as error:
        parser.error(f'ROS arguments refused: {" ".join(str(error).split())}')
    return parser.parse_args(own)
