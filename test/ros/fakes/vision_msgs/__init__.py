"""Stands in for vision_msgs between real processes."""
