"""Point clouds in ply, pcd, xyz, npy and npz files."""

from collections.abc import Callable, Iterator
import contextlib
from pathlib import Path
import re
from typing import Any
import warnings

import numpy as np

from pointpng_core.errors import FileError, MissingDependencyError
from pointpng_core.io.array_files import array_names, read_array, read_arrays
from pointpng_core.io.files import checked_path
from pointpng_core.io.pcd import read_pcd
from pointpng_core.io.ply import read_ply
from pointpng_core.io.system_libraries import explain_missing
from pointpng_core.io.units import check_offset

CLOUD_SUFFIXES = ('.ply', '.pcd', '.xyz', '.npy', '.npz')


def load_cloud(path: Path, *, scale: float = 1.0) -> np.ndarray:
    """Return the points (N, 3) float32 of a ply, pcd, xyz, npy or npz file.

    `scale` converts its unit to metres. Every stored row is returned, non-finite ones included
    (organised clouds mark holes with NaN).
    Raises FileError when the file is unreadable, holds no finite point, or is cut short.
    """
    path = checked_path(path, CLOUD_SUFFIXES)
    points = _READERS[path.suffix.lower()](path)
    return _checked_points(path, points * scale)


def write_cloud(path: str | Path, points: np.ndarray) -> None:
    """Write points (N, 3) as ply, pcd, xyz, npy or npz, by the suffix; raises FileError."""
    path = Path(path)
    if path.suffix.lower() not in CLOUD_SUFFIXES:
        raise FileError(f'cannot write {path}: choose one of {", ".join(CLOUD_SUFFIXES)}')
    try:
        _WRITERS[path.suffix.lower()](path, np.asarray(points, dtype=np.float32))
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def _checked_points(path: Path, points: np.ndarray) -> np.ndarray:
    if points.ndim != 2 or points.shape[1] != 3:
        raise FileError(f'{path}: points must be an array (N, 3), got {points.shape}')
    if len(points) == 0:
        raise FileError(f'{path} holds no points')
    with np.errstate(over='ignore'):
        single = np.ascontiguousarray(points, dtype=np.float32)
    overflow = np.isfinite(points) & ~np.isfinite(single)
    if overflow.any():
        raise FileError(f'{path}: {overflow.sum()} coordinates are too large for metres')
    finite = np.isfinite(single).all(axis=1)
    if not finite.any():
        raise FileError(f'{path}: none of its {len(points)} points is finite')
    check_offset(str(path), single[finite])
    return single


def _read_ply(path: Path) -> np.ndarray:
    return read_ply(path)[0]


def _read_text(path: Path) -> np.ndarray:
    """Read rows `x y z`; further columns (colours, normals) are ignored."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', UserWarning)               # of a text without rows
            rows = np.loadtxt(path, dtype=np.float64, ndmin=2, encoding='utf-8')
    except UnicodeDecodeError as error:
        raise FileError(f'{path} is not text with rows "x y z": byte {error.start} is not '
                        'UTF-8') from error
    except ValueError as error:          # its words quote the file, which may be of another kind
        place = re.search(r'at row \d+', str(error))
        raise FileError(f'{path} is not text with rows "x y z": a value that is no number, or a '
                        f'row of another length{", " + place[0] if place else ""}') from error
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    if len(rows) == 0:
        raise FileError(f'{path} holds no points')
    if rows.shape[1] < 3:
        raise FileError(f'{path}: rows need three numbers "x y z", these have {rows.shape[1]}')
    return rows[:, :3]


def _read_npy(path: Path) -> np.ndarray:
    return _numeric(path, read_array(path))


def _read_npz(path: Path) -> np.ndarray:
    keys = array_names(path)
    if 'points' not in keys and len(keys) != 1:
        raise FileError(f'{path}: expected the key "points" or a single array, '
                        f'found {", ".join(keys[:20]) or "nothing"}')
    key = 'points' if 'points' in keys else keys[0]
    return _numeric(path, read_arrays(path, (key,))[key])


def _numeric(path: Path, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in 'fiu':
        raise FileError(f'{path}: expected numbers, got an array of {array.dtype}')
    return array.astype(np.float64)


def _write_with_open3d(path: Path, points: np.ndarray) -> None:
    with _quiet_open3d() as open3d:
        content = open3d.geometry.PointCloud(
            open3d.utility.Vector3dVector(points.astype(np.float64)))
        if not open3d.io.write_point_cloud(str(path), content):
            raise FileError(f'cannot write {path}: is its folder there and writable?')


def _write_text(path: Path, points: np.ndarray) -> None:
    np.savetxt(path, points, fmt='%.9g')


def _write_archive(path: Path, points: np.ndarray) -> None:
    np.savez_compressed(path, points=points)


@contextlib.contextmanager
def _quiet_open3d() -> Iterator[Any]:
    """Yield Open3D, which takes a second to import, without its console output.

    Raises MissingDependencyError when the system lacks a library that Open3D loads.
    """
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f'Open3D cannot be imported: {error}. {explain_missing()}'.rstrip()) from error
    with open3d.utility.VerbosityContextManager(open3d.utility.VerbosityLevel.Error):
        yield open3d


_READERS: dict[str, Callable[[Path], np.ndarray]] = {
    '.ply': _read_ply, '.pcd': read_pcd, '.xyz': _read_text, '.npy': _read_npy,
    '.npz': _read_npz}
_WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    '.ply': _write_with_open3d, '.pcd': _write_with_open3d, '.xyz': _write_text,
    '.npy': np.save, '.npz': _write_archive}
