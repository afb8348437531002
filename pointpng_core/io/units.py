"""Units of lengths in files."""

MM_PER_M = 1000.0
