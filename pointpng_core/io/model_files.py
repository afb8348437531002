"""Files that describe an object: a mesh if the file has faces, else a cloud, in metres."""

from pathlib import Path

import numpy as np

from pointpng_core.errors import CloudError, FileError
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.io.cloud_files import CLOUD_SUFFIXES, load_cloud
from pointpng_core.io.files import checked_path
from pointpng_core.io.mesh_files import MESH_SUFFIXES, load_mesh_or_none, read_mesh
from pointpng_core.io.pcd_viewpoint import pcd_sensor_pose
from pointpng_core.io.units import UNIT_M, unit_scale

MODEL_SUFFIXES = tuple(dict.fromkeys(MESH_SUFFIXES + CLOUD_SUFFIXES))
SURFACE_POINTS = 8192
EXTENT_RANGE_M = (0.001, 10.0)


def check_extent(where: str, points: np.ndarray, unit: str) -> None:
    """Raise FileError unless points (N, 3) in metres span 1 mm to 10 m, with a hint."""
    low, high = EXTENT_RANGE_M
    extent_m = _extent_m(points)
    if low <= extent_m <= high:
        return
    fits = [other for other in _fitting_units(extent_m / UNIT_M[unit]) if other != unit]
    hint = f'is its unit {" or ".join(fits)}?' if fits else 'is it the right file?'
    if extent_m > high and 'mm' in fits:
        hint = f'is it in millimetres? ({hint})'
    raise FileError(f'{where}: its extent would be {extent_m:.6g} m with unit {unit!r}, but '
                    f'objects measure {low:g} to {high:g} m; {hint}')


def check_metres(what: str, points: np.ndarray) -> None:
    """Raise CloudError unless points (N, 3), said to be in metres, span 1 mm to 10 m.

    Points that all coincide pass: they have another fault.
    """
    low, high = EXTENT_RANGE_M
    extent_m = _extent_m(points)
    if low <= extent_m <= high or extent_m == 0:
        return
    fits = ' or '.join(map(repr, _fitting_units(extent_m)))
    if extent_m < low:
        hint = "is it in metres already? Read its file with unit='m', or scale it to metres"
    else:
        hint = f'is it in another unit? Read its file with unit={fits}, or scale it to metres' \
            if fits else 'is it the right model?'
    raise CloudError(f'{what}: its extent is {extent_m:.6g} m, but objects measure {low:g} to '
                     f'{high:g} m; {hint}')


def _fitting_units(extent: float) -> list[str]:
    """Return the units in which an extent would be that of an object, the most likely first."""
    low, high = EXTENT_RANGE_M
    return [unit for unit in ('m', 'mm', 'cm', 'in') if low <= extent * UNIT_M[unit] <= high]


def _extent_m(points: np.ndarray) -> float:
    finite = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    return float(np.ptp(finite, axis=0).max()) if len(finite) else 0.0


def read_model(path: str | Path, *, unit: str = 'm') -> TriangleMesh | np.ndarray:
    """Read a mesh or cloud of a length unit of UNIT_M, in metres. Raises FileError.

    A file with faces gives a TriangleMesh, any other the rows of its cloud (N, 3) float32.
    """
    path, scale = checked_path(path, MODEL_SUFFIXES), unit_scale(str(path), unit)
    suffix = path.suffix.lower()
    if suffix not in CLOUD_SUFFIXES:
        return read_mesh(path, unit=unit)
    if suffix == '.ply':
        mesh = load_mesh_or_none(path, scale=scale)
        if mesh is not None:
            return mesh
    return load_cloud(path, scale=scale)


def read_point_cloud(path: str | Path, *, unit: str = 'm') -> PointCloud:
    """Return what `read_cloud` does, with the VIEWPOINT of a PCD file as `T_cloud_sensor`.

    None of it where that is the default, or another kind of file. Raises FileError.
    """
    points = read_cloud(path, unit=unit)
    path = Path(path)
    T_cloud_sensor = pcd_sensor_pose(path, points, scale=UNIT_M[unit]) \
        if path.suffix.lower() == '.pcd' else None
    return PointCloud(points=points, T_cloud_sensor=T_cloud_sensor)


def read_cloud(path: str | Path, *, unit: str = 'm') -> np.ndarray:
    """Read a mesh or cloud of a length unit of UNIT_M as points (N, 3) float32 in metres.

    The rows of a cloud are returned as stored, non-finite ones included. The surface of
    a mesh is sampled uniformly with SURFACE_POINTS points, always the same ones. Raises FileError.
    """
    model = read_model(path, unit=unit)
    return sample_surface(model, SURFACE_POINTS)[0] if isinstance(model, TriangleMesh) else model
