"""Tracking of objects from frame to frame, so that only new and doubtful ones are searched."""
