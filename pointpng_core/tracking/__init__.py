"""Poses from frame to frame: what was seen before is followed instead of searched for anew."""
