"""The nodes: one file for each executable that talks ROS."""
