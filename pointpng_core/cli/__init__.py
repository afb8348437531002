"""Commands of the command line `pointpng` that need no ROS."""
