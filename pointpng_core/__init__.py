"""Relative 6-DoF poses from point clouds, without ROS."""

__version__ = '0.1.0'
