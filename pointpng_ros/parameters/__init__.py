"""ROS parameters, declared by the configurations of the node and of the core."""
