"""Files with the intrinsics of a camera: of BOP datasets, of ROS and of Open3D.

camera.json            BOP: fx, fy, cx, cy, width, height, depth_scale
scene_camera.json      BOP: {"12": {"cam_K": [9 numbers], "depth_scale": 0.1}, ...} by frame
CameraInfo             ROS: k, d, width, height, as `ros2 topic echo --once` prints it, or as
JSON; with K and D as in ROS 1
calibration file       ROS: camera_matrix, distortion_coefficients, image_width, image_height
PinholeCameraIntrinsic Open3D: intrinsic_matrix (column by column), width, height
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import parse_yaml, read_yaml_text
from pointpng_core.errors import CloudError, ConfigError, FileError
from pointpng_core.geometry.pinhole import PinholeCamera, is_camera_matrix
from pointpng_core.io.bags.camera_info import decode_camera
from pointpng_core.io.bop.json_files import Record, read_json
from pointpng_core.io.files import checked_path

CAMERA_SUFFIXES = ('.json', '.yaml', '.yml')
ImageShape = tuple[int, int]
_REGION = ('width', 'height', 'x_offset', 'y_offset')


@dataclass(frozen=True, kw_only=True)
class CameraFile:
    """A camera, and what its file says about the unit of the depth images."""

    camera: PinholeCamera
    depth_scale: float | None = None
    """Millimetres of one unit of the depth image, as in BOP; None where the file does not say."""


def read_camera(path: str | Path, *, image_shape: ImageShape, frame: int | None = None
                ) -> CameraFile:
    """Return the camera of a file in one of the formats above.

    `image_shape` is the (height, width) of its images, which the file may leave out, but not
    contradict. `frame` chooses one of a scene_camera.json. Raises FileError.
    """
    path = checked_path(path, CAMERA_SUFFIXES)
    record = _chosen(_read(path), frame)
    for key, reader in _READERS.items():
        if key in record:
            return reader(record, image_shape)
    raise FileError(f'{record.where}: no camera in it: expected fx, fy, cx, cy (BOP '
                    'camera.json), frames with cam_K (BOP scene_camera.json), k (ROS CameraInfo), '
                    'camera_matrix (ROS calibration) or intrinsic_matrix (Open3D)')


def _read(path: Path) -> Record:
    if path.suffix.lower() == '.json':
        return Record(str(path), read_json(path, hint='give the file of the camera'))
    # `ros2 topic echo` ends a message with ---: the first document counts.
    content = parse_yaml(read_yaml_text(path), where=f'{path}', first=True)
    return Record(str(path), {str(key): value for key, value in content.items()}
                  if isinstance(content, dict) else content)


def _chosen(record: Record, frame: int | None) -> Record:
    """Return the frame of a scene_camera.json; any other file as it is."""
    keys = list(record)
    if not keys or not all(key.isascii() and key.isdigit() for key in keys):
        if 'intrinsic' in record:                 # Open3D's PinholeCameraParameters
            return Record(record.where, record.value('intrinsic'))
        return record
    frames = dict(record.by_id())
    if frame not in frames:
        asked = 'which one is meant' if frame is None else f'but not {frame}'
        raise FileError(f'{record.where} has {len(frames)} frames, {min(frames)} to '
                        f'{max(frames)}, {asked}: name the depth image by its number, as '
                        '000012.png, or choose with --frame')
    return Record(f'{record.where}, frame {frame}', frames[frame])


def _bop_camera(record: Record, image_shape: ImageShape) -> CameraFile:
    K = np.eye(3)
    K[0, 0], K[1, 1], K[0, 2], K[1, 2] = (record.number(key) for key in ('fx', 'fy', 'cx', 'cy'))
    return CameraFile(camera=_camera(record, K, image_shape), depth_scale=_depth_scale(record))


def _bop_frame(record: Record, image_shape: ImageShape) -> CameraFile:
    K = record.numbers('cam_K', 9).reshape(3, 3)
    return CameraFile(camera=_camera(record, K, image_shape), depth_scale=_depth_scale(record))


def _camera_info(record: Record, image_shape: ImageShape) -> CameraFile:
    lower = 'k' in record
    return _ros_camera(record, image_shape, K=record.numbers('k' if lower else 'K', 9),
                       distortion=_numbers(record, 'd' if lower else 'D'))


def _calibration(record: Record, image_shape: ImageShape) -> CameraFile:
    matrix = Record(f'{record.where}: camera_matrix', record.value('camera_matrix'))
    distortion: list[float] = []
    if 'distortion_coefficients' in record:
        where = f'{record.where}: distortion_coefficients'
        distortion = _numbers(Record(where, record.value('distortion_coefficients')), 'data')
    return _ros_camera(record, image_shape, K=matrix.numbers('data', 9), distortion=distortion,
                       size_prefix='image_')


def _ros_camera(record: Record, image_shape: ImageShape, *, K: NDArray[np.float64],
                distortion: list[float], size_prefix: str = '') -> CameraFile:
    """Return the camera as the messages of a bag give it: K, distortion, region and binning."""
    if K.any():                                      # zeros: not calibrated, which is said below
        _check_matrix(record, K.reshape(3, 3))
    roi = Record(f'{record.where}: roi', record.value('roi') if 'roi' in record else {})
    binning_x, binning_y = (_count(record, f'binning_{axis}') for axis in 'xy')
    height, width = (_count(record, f'{size_prefix}{name}') or size * max(1, factor)
                     for name, size, factor in zip(('height', 'width'), image_shape,
                                                   (binning_y, binning_x)))
    message = SimpleNamespace(
        k=K.tolist(), d=distortion, width=width, height=height, binning_x=binning_x,
        binning_y=binning_y, distortion_model=record.text('distortion_model')
        if 'distortion_model' in record else _model(distortion),
        roi=SimpleNamespace(**{name: _count(roi, name) for name in _REGION}))
    try:
        camera = decode_camera(message, rectified=False)
    except CloudError as error:
        raise FileError(f'{record.where}: {error}') from error
    if camera.image_shape != image_shape:
        raise FileError(f'{record.where}: its images have the (height, width) '
                        f'{camera.image_shape}, region of interest and binning applied, but this '
                        f'image has {image_shape}: give the intrinsics of this resolution')
    return CameraFile(camera=camera)


def _count(record: Record, key: str) -> int:
    return record.identity(key) if key in record else 0


def _numbers(record: Record, key: str) -> list[float]:
    values: list[float] = record.numbers(key, len(record.sequence(key))).tolist() \
        if key in record else []
    return values


def _model(distortion: list[float]) -> str:
    """Return the model of a file that names none: the one with that many coefficients."""
    return 'plumb_bob' if len(distortion) <= 5 else 'rational_polynomial'


def _open3d(record: Record, image_shape: ImageShape) -> CameraFile:
    K = record.numbers('intrinsic_matrix', 9).reshape(3, 3).T      # stored column by column
    return CameraFile(camera=_camera(record, K, image_shape))


_READERS: dict[str, Callable[[Record, ImageShape], CameraFile]] = {
    'cam_K': _bop_frame, 'fx': _bop_camera, 'k': _camera_info, 'K': _camera_info,
    'camera_matrix': _calibration, 'intrinsic_matrix': _open3d}


def _check_matrix(record: Record, K: NDArray[np.float64]) -> None:
    if not is_camera_matrix(K):
        raise FileError(f'{record.where}: the camera matrix is {K.reshape(-1).tolist()}, but must '
                        'be [fx, 0, cx, 0, fy, cy, 0, 0, 1]')


def _camera(record: Record, K: NDArray[np.float64], image_shape: ImageShape) -> PinholeCamera:
    _check_matrix(record, K)
    for key, size in zip(('height', 'width'), image_shape):
        known = _count(record, key)
        if known and known != size:
            raise FileError(f'{record.where}: "{key}" is {known}, but that of the image is '
                            f'{size}: give the intrinsics of this resolution')
    try:
        return PinholeCamera(height=image_shape[0], width=image_shape[1], fx=float(K[0, 0]),
                             fy=float(K[1, 1]), cx=float(K[0, 2]), cy=float(K[1, 2]))
    except ConfigError as error:
        raise FileError(f'{record.where}: {error}') from error


def _depth_scale(record: Record) -> float | None:
    return record.positive('depth_scale') if 'depth_scale' in record else None
