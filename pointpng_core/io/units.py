"""Units of lengths in files."""

MM_PER_M = 1000.0
DEPTH_RANGE_M = (0.05, 20.0)
"""Range of the median depth of images: nothing nearer or farther is manipulated."""
