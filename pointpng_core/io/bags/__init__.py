"""Recorded bags and the messages of depth sensors, without ROS.

PointCloud2 messages and depth images with their CameraInfo and masks become clouds; messages of
one moment are put together by their stamps.
"""
