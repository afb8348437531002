"""Depth, colour and mask images of datasets, read by Pillow, in PNG, TIFF or JPEG files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.io.bop.layout import IMAGE_SUFFIXES

MAX_PIXELS = 1 << 26
_DEPTH_MODES = ('I;16', 'I;16B', 'I;16L', 'I', 'F')
_MASK_MODES = ('1', 'L', 'P', 'I;16', 'I')


def find_image(folder: Path, stem: str) -> Path | None:
    """Return the file of a name without its suffix; None where there is no such file."""
    return next((path for path in (folder / f'{stem}{suffix}' for suffix in IMAGE_SUFFIXES)
                 if path.is_file()), None)


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) from the header of an image; raises FileError."""
    with opened_image(path) as image:
        return image.size


def read_depth_values(path: Path) -> NDArray[np.float32]:
    """Return the values (H, W) of a depth image as stored, 16 or 32 bits; raises FileError."""
    with opened_image(path) as image:
        if image.mode not in _DEPTH_MODES:
            raise FileError(f'{path}: a depth image has one channel of 16 or 32 bits, but this '
                            f'one has the mode {image.mode!r}; is it a colour image?')
        values = np.asarray(image, dtype=np.float32)
    if not np.isfinite(values).all() or values.min(initial=0) < 0:
        raise FileError(f'{path}: depths must be finite and not negative; 0 marks no reading')
    return values


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return a mask (H, W), True where the image is not 0; raises FileError."""
    with opened_image(path) as image:
        if image.mode not in _MASK_MODES:
            raise FileError(f'{path}: a mask has one channel, but this image has the mode '
                            f'{image.mode!r}')
        return np.asarray(image) != 0


def read_colour(path: Path) -> NDArray[np.uint8]:
    """Return colours (H, W, 3) of a colour or 8-bit grey image; raises FileError."""
    with opened_image(path) as image:
        return np.asarray(image.convert('RGB'))


@contextmanager
def opened_image(path: Path) -> Iterator[Any]:
    """Yield an image of Pillow; its errors become FileError."""
    from PIL import Image  # takes a tenth of a second, and few commands read images
    try:
        with Image.open(path, formats=('PNG', 'TIFF', 'JPEG')) as image:
            if image.width * image.height > MAX_PIXELS:
                raise FileError(f'{path}: {image.width} x {image.height} pixels are more than '
                                f'the {MAX_PIXELS} that are read')
            yield image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileError(f'{path} is not a whole PNG, TIFF or JPEG image: {error}') from error
