"""The JSON files of one scene of a BOP dataset: cameras, true poses, visibility."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
import functools
from pathlib import Path
from typing import Any

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.geometry.pinhole import PinholeCamera, is_camera_matrix
from pointpng_core.io.bop import layout
from pointpng_core.io.bop.frames import BopFrame, BopInstance
from pointpng_core.io.bop.json_files import Record, read_json
from pointpng_core.io.bop.poses import check_distance, read_pose
from pointpng_core.io.image_files import image_size


@dataclass(frozen=True, kw_only=True)
class SceneReader:
    """Reads the frames of one scene's folder.

    `object_ids` are those that have a model; `depth_scale` holds where the scene gives none.
    """

    scene_id: int
    folder: Path
    object_ids: Collection[int]
    sensor: str | None = None
    depth_scale: float | None = None

    def frames(self) -> Iterator[BopFrame]:
        """Yield every frame of `scene_camera.json`, in the order of the ids; raises FileError."""
        path = layout.scene_file(self.folder, layout.SCENE_CAMERA, self.sensor)
        cameras = Record(f'{path}', read_json(path, hint=self._camera_hint()))
        truth, info = self._truth()
        for image_id, values in cameras.by_id():
            camera = Record(f'{path}, image {image_id}', values)
            yield BopFrame(
                scene_id=self.scene_id, image_id=image_id, camera=self._camera(camera, image_id),
                instances=self._instances(image_id, truth, info), scene=self.folder,
                annotated=image_id in truth, depth_scale=self._depth_scale(camera),
                sensor=self.sensor)

    def _truth(self) -> tuple[dict[int, Any], dict[int, Any]]:
        """Return the true poses and the visibility by image id; both files may be missing."""
        truth, info = self._optional(layout.SCENE_GT), self._optional(layout.SCENE_GT_INFO)
        path = layout.scene_file(self.folder, layout.SCENE_GT, self.sensor)
        if any(info.values()) and not path.exists():
            about = layout.scene_file(self.folder, layout.SCENE_GT_INFO, self.sensor)
            raise FileError(f'{path} is missing, but {about.name} is there: restore it, or remove '
                            f'{about.name} too where the true poses are not known')
        return truth, info

    def _optional(self, name: str) -> dict[int, Any]:
        """Return {image id: content} of a file that test splits may lack."""
        path = layout.scene_file(self.folder, name, self.sensor)
        return dict(Record(f'{path}', read_json(path, hint='')).by_id()) if path.exists() else {}

    def _camera_hint(self) -> str:
        prefix = f'{layout.SCENE_CAMERA}_'
        sensors = sorted(path.stem[len(prefix):] for path in self.folder.glob(f'{prefix}*.json'))
        if sensors:
            return f'this dataset has several sensors; choose one of {", ".join(sensors)}'
        return ('every scene has one, {"0": {"cam_K": [9 numbers], "depth_scale": 0.1}, ...} by '
                'image id')

    def _depth_scale(self, camera: Record) -> float | None:
        if layout.DEPTH_SCALE not in camera:
            return self.depth_scale
        return camera.positive(layout.DEPTH_SCALE)

    def _camera(self, camera: Record, image_id: int) -> PinholeCamera:
        if layout.CAM_K not in camera and 'cam_model' in camera:
            raise FileError(f'{camera.where}: it has "cam_model" in place of "cam_K"; only '
                            'pinhole cameras are read')
        K = camera.numbers(layout.CAM_K, 9).reshape(3, 3)
        if not is_camera_matrix(K):
            raise FileError(f'{camera.where}: "{layout.CAM_K}" is {K.reshape(-1).tolist()}, but '
                            'must be [fx, 0, cx, 0, fy, cy, 0, 0, 1]')
        width, height = self._image_size(image_id)
        try:
            return _pinhole(width=width, height=height, fx=float(K[0, 0]), fy=float(K[1, 1]),
                            cx=float(K[0, 2]), cy=float(K[1, 2]))
        except ConfigError as error:
            raise FileError(f'{camera.where}: "{layout.CAM_K}": {error}') from error

    def _image_size(self, image_id: int) -> tuple[int, int]:
        for kind in (layout.DEPTH, layout.RGB, layout.GRAY):
            folder = self.folder / layout.of_sensor(kind, self.sensor)
            path = layout.find_image(folder, layout.image_stem(image_id))
            if path is not None:
                return image_size(path)
        raise FileError(f'{self.folder} has no image {image_id}: neither depth, rgb nor gray has '
                        f'{layout.image_stem(image_id)}.png')

    def _instances(self, image_id: int, truth: dict[int, Any], info: dict[int, Any],
                   ) -> tuple[BopInstance, ...]:
        where = self._where(layout.SCENE_GT, image_id)
        records = _records(where, truth.get(image_id, []))
        about = _records(self._where(layout.SCENE_GT_INFO, image_id),
                         info.get(image_id, [{}] * len(records)))
        if len(about) != len(records):
            raise FileError(f'{where} has {len(records)} objects, but '
                            f'{layout.SCENE_GT_INFO}.json has {len(about)} for this image: they '
                            'must be the same objects in the same order')
        return tuple(self._instance(*pair) for pair in zip(records, about))

    def _where(self, name: str, image_id: int) -> str:
        return f'{layout.scene_file(self.folder, name, self.sensor)}, image {image_id}'

    def _instance(self, record: Record, about: Record) -> BopInstance:
        object_id = record.identity(layout.OBJECT_ID)
        if object_id not in self.object_ids:
            raise FileError(f'{record.where}: "{layout.OBJECT_ID}" {object_id} has no model '
                            f'{layout.model_file(object_id)}; there are '
                            f'{", ".join(map(str, sorted(self.object_ids))) or "none"}')
        T_camera_object = read_pose(record, layout.CAM_R_M2C, layout.CAM_T_M2C)
        check_distance(record.where, T_camera_object)
        return BopInstance(
            object_id=object_id, T_camera_object=T_camera_object,
            visible_fraction=_fraction(about),
            visible_pixels=about.identity(layout.PIXELS_VISIBLE)
            if layout.PIXELS_VISIBLE in about else None)


@functools.lru_cache(maxsize=8)
def _pinhole(*, width: int, height: int, fx: float, fy: float, cx: float, cy: float
             ) -> PinholeCamera:
    """Return a camera; equal values give the same object, whose rays are computed once."""
    return PinholeCamera(width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy)


def _records(where: str, values: Any) -> list[Record]:
    if not isinstance(values, list):
        raise FileError(f'{where}: expected a list of objects, got {type(values).__name__}')
    return [Record(f'{where}, object {i}', value) for i, value in enumerate(values)]


def _fraction(about: Record) -> float | None:
    if layout.VISIBLE_FRACTION not in about:
        return None
    fraction = about.number(layout.VISIBLE_FRACTION)
    if not 0 <= fraction <= 1:
        raise FileError(f'{about.where}: "{layout.VISIBLE_FRACTION}" is {fraction:g}, but must be '
                        'in [0, 1]')
    return fraction
