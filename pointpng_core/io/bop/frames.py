"""One frame of a BOP dataset: its camera, its images and the objects in it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.io.bop.layout import (
    DEPTH,
    GRAY,
    MASK,
    MASK_VISIBLE,
    RGB,
    find_image,
    image_stem,
    mask_stem,
    of_sensor,
)
from pointpng_core.io.depth_images import depth_in_metres, read_depth_values, read_mask
from pointpng_core.io.image_files import read_colour

WRONG_SCALE = 5.0
"""Units differ by factors of 10 and more; what lies before or behind a centre does not."""


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

        Raises FileError when the image is missing, broken, of another size than the camera's,
        without any reading, or when its median or the annotated objects show that the scale is
        wrong.
        """
        folder = self.scene / of_sensor(DEPTH, self.sensor)
        path = self._image(DEPTH)
        if path is None:
            raise FileError(f'{folder} has no image {image_stem(self.image_id)}.png: depth is '
                            'needed here')
        if self.depth_scale is None:
            raise FileError(f'{path}: neither scene_camera.json nor camera.json has '
                            '"depth_scale"; add it: mm of one unit of the depth image')
        values = read_depth_values(path)
        self._check_size(path, values)
        depth_m = depth_in_metres(path, values, depth_scale=self.depth_scale)
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

    def required_mask(self, index: int) -> NDArray[np.bool_]:
        """Return the visible pixels (H, W) of an instance; raises FileError without a mask."""
        mask = self.mask_visible(index)
        if mask is None:
            raise FileError(f'{self.scene / of_sensor(MASK_VISIBLE, self.sensor)} has no mask '
                            f'{mask_stem(self.image_id, index)}.png: the masks of all annotated '
                            'objects are needed here')
        return mask

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
        mask = read_mask(path, may_be_empty=True)         # of an object that is hidden
        self._check_size(path, mask)
        return mask

    def _check_size(self, path: Path, image: NDArray[np.generic]) -> None:
        if image.shape != self.camera.image_shape:
            raise FileError(f'{path}: its (height, width) is {image.shape}, but that of the '
                            f"camera's images is {self.camera.image_shape}")

    def _check_scale(self, path: Path, depth_m: NDArray[np.float32]) -> None:
        """Raise FileError when the depth at the annotated objects is far from theirs."""
        centres = np.array([instance.T_camera_object[:3, 3] for instance in self.instances
                            if instance.T_camera_object[2, 3] > 0]).reshape(-1, 3)
        columns, rows = np.rint(self.camera.project(centres)).astype(int).T
        inside = (columns >= 0) & (columns < self.camera.width)
        inside &= (rows >= 0) & (rows < self.camera.height)
        measured_m = depth_m[rows[inside], columns[inside]]
        ratios = measured_m[measured_m > 0] / centres[inside, 2][measured_m > 0]
        if len(ratios) and not 1 / WRONG_SCALE < np.median(ratios) < WRONG_SCALE:
            raise FileError(
                f'{path}: with "depth_scale" {self.depth_scale:g}, the depth measured at the '
                f'annotated objects is {np.median(ratios):.3g} times theirs; correct '
                '"depth_scale" in scene_camera.json, the millimetres of one unit of the image')
