"""Recorded bags and their PointCloud2 clouds, without ROS."""
