"""Fake of vision_msgs between real processes."""
