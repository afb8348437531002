"""The focal length of the camera that measured an organised cloud, from the points alone."""

import numpy as np
from numpy.typing import NDArray

STEP_PX = 4
"""Distance of the pixels that are compared: their rays differ by far more than rounding."""
SAMPLED = 70
"""Rows and columns of an image in which pixels are compared, about."""


def focal_length_px(points: NDArray[np.floating], image_shape: tuple[int, int]) -> float:
    """Return the focal length in pixels, with lens distortion that of most of the image.

    `points` (H * W, 3) are in the optical frame of the camera, and `image_shape` is (H, W). It is
    the median over the image and both directions, so that neither a few wrong readings nor holes
    matter; 0 where no two pixels STEP_PX apart have readings.
    """
    image = points.reshape(*image_shape, 3)
    steps = np.concatenate([_steps(image, 0), _steps(image.transpose(1, 0, 2), 1)])
    steps = steps[np.isfinite(steps) & (steps > 0)]
    return float(STEP_PX / np.median(steps)) if len(steps) else 0.0


def _steps(image: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """Return differences of x / z, or y / z for axis 1, STEP_PX apart in rows of (H, W, 3)."""
    rows, columns = (max(1, size // SAMPLED) for size in image.shape[:2])
    first, second = (part[::rows, ::columns].reshape(-1, 3)
                     for part in (image[:, :-STEP_PX], image[:, STEP_PX:]))
    with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
        steps: NDArray[np.floating] = (second[:, axis] / second[:, 2]
                                       - first[:, axis] / first[:, 2])
    return steps
