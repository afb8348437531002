"""Every command of `pointpng` that needs no ROS."""
