"""Triangle meshes and the files that hold them."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from pointpng_core.errors import CloudError, FileError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.obj import read_obj
from pointpng_core.io.off import with_header_line
from pointpng_core.io.open3d_files import checked_path, quiet_open3d
from pointpng_core.io.ply import read_ply
from pointpng_core.io.truncation import check_off

MESH_SUFFIXES = ('.obj', '.stl', '.off', '.ply')


def read_mesh(path: str | Path, *, scale: float = 1.0) -> TriangleMesh:
    """Read an obj, stl, off or ply file with faces; `scale` turns its unit into metres.

    Raises FileError when the file is missing, empty, cut short, of another format, or has no
    faces.
    """
    path = checked_path(path, MESH_SUFFIXES)
    mesh = load_mesh_or_none(path, scale=scale)
    if mesh is None:
        raise FileError(f'{path} holds no readable faces: is it a cloud, or was it cut short?')
    return mesh


def load_mesh_or_none(path: Path, *, scale: float) -> TriangleMesh | None:
    """Read a file that may hold a mesh; None when it holds no faces. Raises FileError."""
    suffix = path.suffix.lower()
    vertices, faces = {'.ply': read_ply, '.obj': read_obj}.get(suffix, _read_with_open3d)(path)
    if len(faces) == 0:
        return None
    if suffix == '.off':
        check_off(path, len(vertices), len(faces))
    try:
        return TriangleMesh(vertices=vertices * scale, faces=faces)
    except CloudError as error:
        raise FileError(f'{path}: {error}') from error


def write_mesh(path: str | Path, mesh: TriangleMesh) -> None:
    """Write a mesh as obj, stl, off or ply, by its suffix; raises FileError."""
    path = Path(path)
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise FileError(f'cannot write {path}: choose one of {", ".join(MESH_SUFFIXES)}')
    with quiet_open3d() as open3d:
        content = open3d_mesh(open3d, mesh)
        content.compute_vertex_normals()
        done = open3d.io.write_triangle_mesh(str(path), content, write_vertex_normals=False)
    if not done:
        raise FileError(f'cannot write {path}: is its folder there and writable?')


def open3d_mesh(open3d: Any, mesh: TriangleMesh) -> Any:
    """Return the same mesh as an open3d.geometry.TriangleMesh."""
    return open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(mesh.vertices.astype(np.float64)),
        open3d.utility.Vector3iVector(mesh.faces))


def _read_with_open3d(path: Path) -> tuple[np.ndarray, np.ndarray]:
    whole = with_header_line(path) if path.suffix.lower() == '.off' else nullcontext(path)
    with quiet_open3d() as open3d, whole as readable:
        try:
            content = open3d.io.read_triangle_mesh(str(readable))
        except RuntimeError as error:
            raise FileError(f'{path} cannot be read as a mesh: {error}') from error
    return np.asarray(content.vertices), np.asarray(content.triangles)


