"""Which points of many clouds a distant camera sees: a depth buffer per cloud, in one batch."""

import torch
from torch import Tensor

PIXELS = 36
"""Across a buffer two units wide: a pixel is about 1.5 spacings of 1024 points wide."""
DEPTH_PIXELS = 2.0
"""How far behind the front of its pixel a point may lie and still be seen: slanted surfaces."""


def visible_from_z(clouds: Tensor) -> Tensor:
    """Return which points (B, N) of clouds (B, N, 3), in diameters, a camera far up z sees."""
    pixel = ((clouds[..., :2] + 1.0) * (PIXELS / 2)).long().clamp(0, PIXELS - 1)
    index = pixel[..., 0] * PIXELS + pixel[..., 1]  # (B, N)
    heights = clouds[..., 2]
    nearest = heights.new_full((len(clouds), PIXELS ** 2), -torch.inf)
    nearest = nearest.scatter_reduce(1, index, heights, 'amax').unflatten(1, (1, PIXELS, PIXELS))
    # Neighbouring pixels close the gaps between points.
    front = torch.nn.functional.max_pool2d(nearest, 3, stride=1, padding=1).flatten(1)
    seen: Tensor = heights >= front.gather(1, index) - DEPTH_PIXELS * 2.0 / PIXELS
    return seen
