"""Jumps of depth between the pixels of an image."""

import numpy as np
from numpy.typing import NDArray


def depth_edges(depth_m: NDArray[np.floating], jump_m: NDArray[np.floating] | float
                ) -> NDArray[np.bool_]:
    """Return the pixels (H, W) with a neighbour (of four) at another depth, or without a reading.

    `jump_m`, a number or (H, W), is the largest difference that is none.
    """
    edges = np.zeros(depth_m.shape, dtype=bool)
    least = np.broadcast_to(np.asarray(jump_m, depth_m.dtype), depth_m.shape)
    with np.errstate(invalid='ignore'):
        across = ~(np.abs(depth_m[:, 1:] - depth_m[:, :-1]) <= least[:, 1:])
        down = ~(np.abs(depth_m[1:] - depth_m[:-1]) <= least[1:])
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges
