"""The VIEWPOINT line of PCD files: where the sensor was.

It has seven numbers, https://pointclouds.org/documentation/tutorials/pcd_file_format.html:
position x y z and quaternion w x y z, by default 0 0 0 1 0 0 0.
"""

from pathlib import Path
import re

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import FileError
from pointpng_core.geometry.clouds import main_rows
from pointpng_core.geometry.rigid_motion import inverse, looking_at, transform

_HEADER_BYTES = 1 << 20
"""A header of as many fields as are read has half of it."""
_DEFAULT = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)


def pcd_sensor_pose(path: Path, points: NDArray[np.floating], *, scale: float
                    ) -> NDArray[np.float64] | None:
    """Return T_cloud_sensor (4, 4) of a PCD file with points (N, 3) in metres, None by default.

    `scale` converts the unit of the file to metres. Where the points do not lie ahead of the
    sensor along the z axis that the quaternion says, as of programs that write only a position,
    the position alone counts: the sensor looks at the points. Raises FileError.
    """
    values = _viewpoint(path)
    if values == _DEFAULT:
        return None
    T = np.eye(4)
    T[:3, 3] = np.array(values[:3]) * scale
    w, x, y, z = values[3:]
    T[:3, :3] = Rotation.from_quat((x, y, z, w)).as_matrix()
    centroid = points[main_rows(points)].mean(axis=0, dtype=np.float64)
    if transform(inverse(T), centroid[None])[0, 2] > 0:
        return T
    return looking_at(T[:3, 3], centroid)


def _viewpoint(path: Path) -> tuple[float, ...]:
    """Return the seven numbers; raises FileError."""
    try:
        with path.open('rb') as stream:
            header = stream.read(_HEADER_BYTES).partition(b'\nDATA')[0]
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    line = re.search(rb'^VIEWPOINT[ \t]+(.*?)\s*$', header, flags=re.MULTILINE)
    if line is None:
        return _DEFAULT
    text = line.group(1).decode('ascii', errors='replace')
    try:
        values = tuple(float(word) for word in text.split())
    except ValueError:
        values = ()
    if len(values) != 7 or not np.isfinite(values).all() or not any(values[3:]):
        raise FileError(f'{path}: VIEWPOINT is {text!r}, but must be seven numbers: position '
                        'x y z, quaternion w x y z')
    return values
