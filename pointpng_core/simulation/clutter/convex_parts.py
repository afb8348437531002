"""Convex parts of a mesh, which physics needs, cached on disk under the digest of the mesh.

The files of the cache are sealed, as those of references: what was changed is made again.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import hashlib
import importlib.util
import json
import logging
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from pointpng_core.errors import FileError, MissingDependencyError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.files import LEFTOVER_AGE_S, remove_leftovers
from pointpng_core.io.sealed_arrays import read_sealed, write_sealed
from pointpng_core.simulation.clutter.coacd_process import SETTINGS
from pointpng_core.simulation.shapes.solids import signed_volume_m3
from pointpng_core.text import printable

Parts = tuple[NDArray[np.float64], ...]
"""Vertices (V, 3) in metres of each convex part, in the frame of the mesh."""

logger = logging.getLogger(__name__)

FORMAT = 1
"""Raise it when parts are made differently."""
LIMIT_S = 300.0
"""Longest time for one mesh; then its convex hull is used."""
CONVEX_SHARE = (0.95, 1.001)
"""A mesh whose volume is this share of its hull's is taken as convex, as are boxes and cans."""
FACES = 2000
"""CoACD gets a mesh simplified to this number of faces."""
SNAP_DIAMETERS = 0.015
"""Vertices of parts this near to the surface are moved onto it: CoACD's remeshing inflates."""
SUFFIX = '.parts'
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def convex_parts(meshes: Sequence[TriangleMesh], names: Sequence[str], *,
                 folder: Path | None, limit_s: float = LIMIT_S) -> list[Parts]:
    """Return the convex parts of each mesh, those of several meshes at a time.

    With a folder they are read from there if they were made before. A mesh that cannot be
    decomposed within `limit_s` becomes its convex hull, with a warning that is logged. Raises
    MissingDependencyError without CoACD.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(lambda mesh, name: _parts(mesh, name, folder, limit_s),
                             meshes, names))


def _parts(mesh: TriangleMesh, name: str, folder: Path | None, limit_s: float) -> Parts:
    hull = ConvexHull(mesh.vertices.astype(np.float64))
    low, high = CONVEX_SHARE
    if low <= signed_volume_m3(mesh) / hull.volume <= high:
        return (hull.points[hull.vertices],)
    key = _key(mesh)
    stored = None if folder is None else _stored(folder, key)
    if stored is not None:
        return stored
    made = _decompose(mesh, name, limit_s)
    if made is None:
        return (hull.points[hull.vertices],)
    if folder is not None:
        _store(folder, key, made)
    return made


def _decompose(mesh: TriangleMesh, name: str, limit_s: float) -> Parts | None:
    """Return the parts by CoACD in another process, None where it fails or takes too long."""
    if importlib.util.find_spec('coacd') is None:
        raise MissingDependencyError('convex parts need the Python package coacd: '
                                     "pip install 'pointpng_ros[sim]'")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / 'mesh.npz', Path(folder) / 'parts.npz'
        vertices, faces = _simplified(mesh)
        np.savez(source, vertices=vertices, faces=faces)
        command = [sys.executable, '-m', coacd_module(), str(source), str(target)]
        try:
            # One thread: the parts must not depend on the number of cores.
            subprocess.run(command, timeout=limit_s, check=True, capture_output=True,
                           env={**os.environ, 'OMP_NUM_THREADS': '1'})
            found = _output(target)
        except (OSError, subprocess.SubprocessError) as error:
            logger.warning('%s: no convex parts (%s); its convex hull is used, which fills its '
                           'hollows', printable(name), printable(_reason(error)))
            return None
    return None if found is None else _snapped(found, mesh)


def coacd_module() -> str:
    """Return the name of the module that runs CoACD."""
    return f'{__package__}.coacd_process'


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors='replace').strip().splitlines()
        return lines[-1] if lines else f'CoACD ended with code {error.returncode}'
    if isinstance(error, subprocess.TimeoutExpired):
        return f'CoACD took more than {error.timeout:g} s'
    return str(error)


def _simplified(mesh: TriangleMesh) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    import open3d as o3d  # heavy, and only meshes that are not cached need it
    whole = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(mesh.vertices.astype(np.float64)),
        o3d.utility.Vector3iVector(mesh.faces))
    whole.remove_duplicated_vertices()
    if len(mesh.faces) > FACES:
        whole = whole.simplify_quadric_decimation(FACES)
    return np.asarray(whole.vertices), np.asarray(whole.triangles)


def _snapped(parts: Parts, mesh: TriangleMesh) -> Parts:
    """Return the hulls of the parts, their vertices moved onto the surface where it is near."""
    import open3d as o3d  # as above
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    reach_m = SNAP_DIAMETERS * float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    snapped = []
    for part in parts:
        queries = o3d.core.Tensor(part.astype(np.float32))
        nearest = scene.compute_closest_points(queries)['points'].numpy().astype(np.float64)
        near = np.linalg.norm(nearest - part, axis=1) <= reach_m
        hull = _hull(np.where(near[:, None], nearest, part)) or _hull(part)
        if hull is not None:
            snapped.append(hull.points[hull.vertices])
    return tuple(snapped)


def _hull(points: NDArray[np.floating]) -> ConvexHull | None:
    try:
        return ConvexHull(points.astype(np.float64))
    except QhullError:
        return None


def _key(mesh: TriangleMesh) -> str:
    digest = hashlib.sha256(json.dumps([FORMAT, FACES, SNAP_DIAMETERS, SETTINGS],
                                       sort_keys=True).encode())
    for array in (mesh.vertices, mesh.faces):
        digest.update(f'{array.shape}{array.dtype}'.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _output(path: Path) -> Parts | None:
    """Return what the process of CoACD wrote, None where it wrote nothing of use."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return _checked(stored['vertices'].astype(np.float64), stored['counts'])
    except _DAMAGED:
        return None


def _checked(vertices: NDArray[np.float64], counts: NDArray[np.int64]) -> Parts:
    """Return the parts; raises ValueError for arrays that do not fit together."""
    if vertices.ndim != 2 or vertices.shape[1] != 3 or counts.ndim != 1 or len(counts) == 0 \
            or counts.min() < 4 or counts.sum() != len(vertices) \
            or not np.isfinite(vertices).all():
        raise ValueError('its arrays do not fit together')
    return tuple(np.split(vertices, np.cumsum(counts)[:-1]))


def _stored(folder: Path, key: str) -> Parts | None:
    """Return the cached parts, None where there are none or they are not as they were written."""
    path = folder / f'{key}{SUFFIX}'
    try:
        arrays = read_sealed(path, key=key)
        return _checked(np.asarray(arrays['vertices'], dtype=np.float64),
                        np.asarray(arrays['counts'], dtype=np.int64))
    except FileNotFoundError:
        return None
    except (FileError, KeyError, ValueError) as error:
        logger.warning('%s', printable(f'cached convex parts are not used, and are made again: '
                                       f'{path}: {error}'))
        return None


def _store(folder: Path, key: str, parts: Parts) -> None:
    """Write the parts; a failure is only logged, because the cache is optional."""
    try:
        write_sealed(folder / f'{key}{SUFFIX}', {
            'vertices': np.concatenate(parts),
            'counts': np.array([len(part) for part in parts], dtype=np.int64)}, key=key)
        remove_leftovers(folder, older_than_s=LEFTOVER_AGE_S)
    except OSError as error:
        logger.warning('%s', printable(
            f'convex parts cannot be kept in {folder} ({error.strerror or error}), and are made '
            'again each time: make the folder writable, or name another one by the environment '
            'variable POINTPNG_CACHE'))
