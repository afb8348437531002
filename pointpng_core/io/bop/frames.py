"""One frame of a BOP dataset: its camera, its images and the objects in it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.io.bop.images import find_image, read_colour, read_depth_values, read_mask
from pointpng_core.io.bop.layout import (
    DEPTH,
    GRAY,
    MASK,
    MASK_VISIBLE,
    MM_PER_M,
    RGB,
    image_stem,
    mask_stem,
    of_sensor,
)

DEPTH_RANGE_M = (0.05, 20.0)
"""Of the median depth of an image; outside of it the scale is wrong."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BopInstance:
    """One annotated object: its true pose (4, 4) in metres, and how much of it is visible."""

    object_id: int
    T_camera_object: NDArray[np.float64]
    visible_fraction: float | None = None
    """Of the pixels of its silhouette; None where it is not known."""
    visible_pixels: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class BopFrame:
    """One frame; its images are read when they are asked for."""

    scene_id: int
    image_id: int
    camera: PinholeCamera
    instances: tuple[BopInstance, ...]
    """In the order of the file, which that of the masks is too."""
    annotated: bool
    """Whether the dataset says which objects are there: for many test splits it does not."""
    scene: Path
    """The folder of its scene."""
    depth_scale: float | None
    """Millimetres of one unit of the depth image; None where the dataset does not say."""
    sensor: str | None = None

    def depth_m(self) -> NDArray[np.float32]:
        """Return depths (H, W) along the optical axis in metres, 0 where there is no reading.

        Raises FileError when the image is missing, broken, of another size than the camera's, or
        when its median shows that the scale is wrong.
        """
        folder = self.scene / of_sensor(DEPTH, self.sensor)
        path = self._image(DEPTH)
        if path is None:
            raise FileError(f'{folder} has no image {image_stem(self.image_id)}.png: depth is '
                            'needed here')
        if self.depth_scale is None:
            raise FileError(f'{path}: neither scene_camera.json nor camera.json has '
                            '"depth_scale"; add it: mm of one unit of the depth image')
        depth_m = read_depth_values(path) * np.float32(self.depth_scale / MM_PER_M)
        self._check_size(path, depth_m)
        self._check_scale(path, depth_m)
        return depth_m

    def rgb(self) -> NDArray[np.uint8] | None:
        """Return the colour or grey image (H, W, 3); None where there is none. Raises FileError.

        Its size may differ from the camera's where another sensor took it.
        """
        path = self._image(RGB) or self._image(GRAY)
        return None if path is None else read_colour(path)

    def mask_visible(self, index: int) -> NDArray[np.bool_] | None:
        """Return the visible pixels (H, W) of an instance, by its position in `instances`.

        None where the dataset has no such mask; raises FileError.
        """
        return self._mask(MASK_VISIBLE, index)

    def mask(self, index: int) -> NDArray[np.bool_] | None:
        """Return the whole silhouette (H, W) of an instance, occluded pixels included, or None."""
        return self._mask(MASK, index)

    def _image(self, kind: str) -> Path | None:
        return find_image(self.scene / of_sensor(kind, self.sensor), image_stem(self.image_id))

    def _mask(self, kind: str, index: int) -> NDArray[np.bool_] | None:
        path = find_image(self.scene / of_sensor(kind, self.sensor),
                          mask_stem(self.image_id, index))
        if path is None:
            return None
        mask = read_mask(path)
        self._check_size(path, mask)
        return mask

    def _check_size(self, path: Path, image: NDArray[np.generic]) -> None:
        if image.shape != self.camera.image_shape:
            raise FileError(f'{path}: its (height, width) is {image.shape}, but that of the '
                            f"camera's images is {self.camera.image_shape}")

    def _check_scale(self, path: Path, depth_m: NDArray[np.float32]) -> None:
        measured = depth_m[depth_m > 0]
        if measured.size == 0:
            return
        (low, high), median_m = DEPTH_RANGE_M, float(np.median(measured))
        if not low <= median_m <= high:
            raise FileError(
                f'{path}: its median depth would be {median_m:.3g} m with "depth_scale" '
                f'{self.depth_scale:g}, but scenes are {low:g} to {high:g} m away; the value in '
                'the image times "depth_scale" must be millimetres')
