"""ROS parameters from the declarations of the core."""
