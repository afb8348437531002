"""Writes datasets in the BOP layout, of which nothing is seen before everything is there."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import shutil
from typing import Any
import uuid

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry.clouds.measures import diameter_m
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.geometry.symmetry import Symmetry
from pointpng_core.io.bop import layout
from pointpng_core.io.bop.poses import pose_numbers
from pointpng_core.io.mesh_files import write_mesh
from pointpng_core.io.units import MM_PER_M

DEPTH_SCALE_MM = 0.1
"""Millimetres of one step of the depth images that are written; they reach 6.5 m."""
TARGET_VISIBLE_FRACTION = 0.1
"""BOP19 asks for the instances of which at least this share is visible."""
_LARGEST_DEPTH = 65535
_NO_BOX = [-1, -1, -1, -1]


@dataclass(frozen=True, kw_only=True, eq=False)
class NewObject:
    """An object to write; without a symmetry (None) the dataset says nothing about it."""

    object_id: int
    name: str
    mesh: TriangleMesh
    symmetry: Symmetry | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class NewInstance:
    """An object in a frame: T_camera_object (4, 4) in metres, and where it is in the image.

    mask, mask_visible (H, W): its pixels as if it were alone, and those that nothing occludes;
    pixels_all: the number of the former, with those outside of the image.
    """

    object_id: int
    T_camera_object: NDArray[np.float64]
    mask: NDArray[np.bool_]
    mask_visible: NDArray[np.bool_]
    pixels_all: int


@dataclass(frozen=True, kw_only=True, eq=False)
class NewFrame:
    """A frame to write: depth_m (H, W) along z, NaN or 0 where there is no reading."""

    depth_m: NDArray[np.float32]
    instances: Sequence[NewInstance]


class BopWriter:
    """Writes into a folder that exists; see `new_dataset`. Raises FileError where it cannot."""

    def __init__(self, folder: Path, *, camera: PinholeCamera, split: str = 'test') -> None:
        """Take the folder, and the camera of all frames, which must have no distortion."""
        if any(camera.distortion):
            raise FileError('BOP datasets are of cameras without distortion; rectify the images')
        self.folder = folder
        self._camera, self._split = camera, split
        self._targets: list[dict[str, int]] = []

    def write_objects(self, objects: Sequence[NewObject]) -> None:
        """Write the meshes and `models_info.json`."""
        models = self.folder / layout.MODELS
        models.mkdir()
        info = {}
        for item in objects:
            vertices_mm = item.mesh.vertices * np.float32(MM_PER_M)
            write_mesh(models / layout.model_file(item.object_id),
                       TriangleMesh(vertices=vertices_mm, faces=item.mesh.faces))
            info[str(item.object_id)] = _model_info(item, vertices_mm)
        _write_json(models / layout.MODELS_INFO, info)

    def write_scene(self, scene_id: int, frames: Iterable[NewFrame]) -> None:
        """Write the frames of a scene, numbered from 0."""
        scene = self.folder / self._split / layout.scene_folder(scene_id)
        for name in (layout.DEPTH, layout.MASK, layout.MASK_VISIBLE):
            (scene / name).mkdir(parents=True)
        camera, truth, info = {}, {}, {}
        for image_id, frame in enumerate(frames):
            camera[str(image_id)] = {layout.CAM_K: _matrix(self._camera),
                                     layout.DEPTH_SCALE: DEPTH_SCALE_MM}
            truth[str(image_id)] = [_pose_entry(instance) for instance in frame.instances]
            info[str(image_id)] = [_info_entry(instance, frame) for instance in frame.instances]
            _write_images(scene, image_id, frame)
            self._add_targets(scene_id, image_id, frame)
        for name, content in ((layout.SCENE_CAMERA, camera), (layout.SCENE_GT, truth),
                              (layout.SCENE_GT_INFO, info)):
            _write_json(layout.scene_file(scene, name), content)

    def finish(self) -> None:
        """Write what concerns the whole dataset: its camera and the targets of BOP19."""
        camera = self._camera
        _write_json(self.folder / f'{layout.CAMERA}.json', {
            'cx': camera.cx, 'cy': camera.cy, 'fx': camera.fx, 'fy': camera.fy,
            'height': camera.height, 'width': camera.width, layout.DEPTH_SCALE: DEPTH_SCALE_MM})
        _write_json(self.folder / layout.TARGETS_BOP19, self._targets)

    def _add_targets(self, scene_id: int, image_id: int, frame: NewFrame) -> None:
        counts = Counter(instance.object_id for instance in frame.instances
                         if _visible_fraction(instance) >= TARGET_VISIBLE_FRACTION)
        self._targets += [{layout.SCENE_ID: scene_id, layout.IMAGE_ID: image_id,
                           layout.OBJECT_ID: object_id, layout.INSTANCE_COUNT: counts[object_id]}
                          for object_id in sorted(counts)]


@contextmanager
def new_dataset(folder: str | Path, *, camera: PinholeCamera) -> Iterator[BopWriter]:
    """Yield a writer into a folder that gets its name at the end; on an error it is deleted.

    Raises FileError where the folder exists already, unless it is empty, or cannot be made.
    """
    folder = Path(folder)
    check_new_folder(folder)
    staged = folder.with_name(f'.part-{folder.name}-{uuid.uuid4().hex[:8]}')
    try:
        staged.mkdir(parents=True)
        writer = BopWriter(staged, camera=camera)
        yield writer
        writer.finish()
        staged.replace(folder)
    except OSError as error:
        raise FileError(f'cannot write {folder}: {error.strerror or error}') from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def check_new_folder(folder: Path) -> None:
    """Raise FileError where a dataset cannot become `folder` because something is there."""
    if folder.is_symlink() or (folder.exists()
                               and not (folder.is_dir() and not any(folder.iterdir()))):
        raise FileError(f'{folder} exists already: name a new folder')


def _model_info(item: NewObject, vertices_mm: NDArray[np.float32]) -> dict[str, Any]:
    low, size = vertices_mm.min(axis=0), np.ptp(vertices_mm, axis=0)
    return {layout.NAME: item.name, layout.DIAMETER: diameter_m(vertices_mm),
            **dict(zip(layout.MINIMA, low.tolist())), **dict(zip(layout.SIZES, size.tolist())),
            **_symmetry_entries(item.symmetry)}


def _symmetry_entries(symmetry: Symmetry | None) -> dict[str, Any]:
    """Return a symmetry as BOP has it: axes of any rotation, and the other motions in mm."""
    if symmetry is None or not symmetry.elements:
        return {}
    continuous = [{layout.AXIS: axis.tolist(), layout.OFFSET: (point * MM_PER_M).tolist()}
                  for point, axis in symmetry.free_axes()]
    # The three axes of a sphere generate all of its rotations.
    spherical = symmetry.kind == 'spherical'
    others = np.empty((0, 4, 4)) if spherical else symmetry.transforms(steps=1)[1:]
    entries: dict[str, Any] = {layout.SYMMETRIES_CONTINUOUS: continuous} if continuous else {}
    if len(others):
        entries[layout.SYMMETRIES_DISCRETE] = [_in_mm(T).reshape(-1).tolist() for T in others]
    return entries


def _pose_entry(instance: NewInstance) -> dict[str, Any]:
    R, t_mm = pose_numbers(instance.T_camera_object)
    return {layout.OBJECT_ID: instance.object_id, layout.CAM_R_M2C: R, layout.CAM_T_M2C: t_mm}


def _info_entry(instance: NewInstance, frame: NewFrame) -> dict[str, Any]:
    measured = np.nan_to_num(frame.depth_m) > 0
    return {layout.BOX_OBJECT: _box(instance.mask),
            layout.BOX_VISIBLE: _box(instance.mask_visible),
            layout.PIXELS_ALL: instance.pixels_all,
            layout.PIXELS_VALID: int((instance.mask & measured).sum()),
            layout.PIXELS_VISIBLE: int(instance.mask_visible.sum()),
            layout.VISIBLE_FRACTION: _visible_fraction(instance)}


def _visible_fraction(instance: NewInstance) -> float:
    return float(instance.mask_visible.sum()) / max(instance.pixels_all, 1)


def _box(mask: NDArray[np.bool_]) -> list[int]:
    """Return left, top, width and height of the pixels of a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return _NO_BOX
    return [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1),
            int(rows[-1] - rows[0] + 1)]


def _write_images(scene: Path, image_id: int, frame: NewFrame) -> None:
    steps = np.rint(np.nan_to_num(frame.depth_m) * (MM_PER_M / DEPTH_SCALE_MM))
    steps[steps > _LARGEST_DEPTH] = 0
    _write_png(scene / layout.DEPTH / f'{layout.image_stem(image_id)}.png',
               steps.astype(np.uint16))
    for index, instance in enumerate(frame.instances):
        name = f'{layout.mask_stem(image_id, index)}.png'
        for folder, mask in ((layout.MASK, instance.mask),
                             (layout.MASK_VISIBLE, instance.mask_visible)):
            _write_png(scene / folder / name, np.where(mask, np.uint8(255), np.uint8(0)))


def _write_png(path: Path, values: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    from PIL import Image  # takes a tenth of a second, and few commands write images
    Image.fromarray(values).save(path)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def _matrix(camera: PinholeCamera) -> list[float]:
    return [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]


def _in_mm(T_m: NDArray[np.float64]) -> NDArray[np.float64]:
    T_mm = T_m.copy()
    T_mm[:3, 3] *= MM_PER_M
    return T_mm
