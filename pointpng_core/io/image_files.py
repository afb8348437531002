"""PNG, TIFF and JPEG files, read by Pillow: their size, their pixels as stored, their colours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.files import check_regular
from pointpng_core.io.limits import FREE_PIXELS, MAX_PIXELS, MAX_PIXELS_A_BYTE


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) from the header of an image; raises FileError."""
    with opened_image(path) as image:
        return image.size


def read_pixels(path: Path) -> NDArray[np.generic]:
    """Return the pixels (H, W) or (H, W, C) as stored, of a palette the indices; FileError."""
    with opened_image(path) as image:
        return np.asarray(image)


def read_colour(path: Path) -> NDArray[np.uint8]:
    """Return colours (H, W, 3) of a colour or 8-bit grey image; raises FileError."""
    with opened_image(path) as image:
        return np.asarray(image.convert('RGB'))


@contextmanager
def opened_image(path: Path) -> Iterator[Any]:
    """Yield an image of Pillow; its errors become FileError."""
    from PIL import Image  # takes a tenth of a second, and few commands read images
    try:
        check_regular(path, sys.maxsize)
        with Image.open(path, formats=('PNG', 'TIFF', 'JPEG')) as image:
            most = min(MAX_PIXELS, max(FREE_PIXELS, MAX_PIXELS_A_BYTE * path.stat().st_size))
            if image.width * image.height > most:
                raise FileError(f'{path}: {image.width} x {image.height} pixels are more than '
                                f'the {most} that are read of a file of its size')
            yield image
    except FileError:
        raise
    except Exception as error:           # Pillow lets a dozen types through for damaged files
        raise FileError(f'{path} is not a whole PNG, TIFF or JPEG image: {str(error)[:200]}'
                        ) from error
