"""A sheet of small pictures of frames: shaded surfaces, a colour for each object."""

from collections.abc import Sequence
import colorsys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.simulation.clutter.scenes import ClutterFrame

_STEP = 3
_GOLDEN = 0.618
_DARKEST, _SCENERY = 0.35, (0.75, 0.75, 0.72)
_MARGIN = 4


def picture(frame: ClutterFrame) -> NDArray[np.uint8]:
    """Return a frame as colours (H / 3, W / 3, 3): black where the camera measured nothing."""
    image = frame.image.image
    count = len(frame.chosen)
    colours = [colorsys.hsv_to_rgb(index * _GOLDEN % 1, 0.55, 1.0) for index in range(count)]
    # The owner of a pixel is an object's index, `count` for the scenery or negative for nothing.
    painted = np.array([*colours, _SCENERY])[np.clip(image.owner, -1, count)]
    painted *= (_DARKEST + (1 - _DARKEST) * image.cosine)[..., None]
    painted[~np.isfinite(frame.depth_m)] = 0
    return np.rint(255 * painted[::_STEP, ::_STEP]).astype(np.uint8)


def write_overview(path: Path, rows: Sequence[Sequence[NDArray[np.uint8]]]) -> None:
    """Write rows of equally large pictures as a PNG; raises FileError."""
    height, width = (size + _MARGIN for size in rows[0][0].shape[:2])
    sheet = np.full((len(rows) * height, max(map(len, rows)) * width, 3), 255, dtype=np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            sheet[i * height:, j * width:][:image.shape[0], :image.shape[1]] = image
    from PIL import Image  # takes a tenth of a second, and few commands write images
    try:
        Image.fromarray(sheet[:-_MARGIN, :-_MARGIN]).save(path, optimize=True)
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error
