"""ROS 2 nodes and the command line around `pointpng_core`."""
