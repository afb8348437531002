"""Triangle meshes in obj, stl, off and ply files."""

from io import BytesIO
from pathlib import Path

import numpy as np

from pointpng_core.errors import CloudError, FileError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.files import checked_path
from pointpng_core.io.ply import read_ply
from pointpng_core.io.text_meshes import read_obj, read_off

MESH_SUFFIXES = ('.obj', '.stl', '.off', '.ply')
_STL_HEADER_BYTES, _STL_FACE_BYTES = 84, 50


def read_mesh(path: str | Path, *, scale: float = 1.0) -> TriangleMesh:
    """Read an obj, stl, off or ply file with faces; `scale` converts its unit to metres.

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
    vertices, faces = _READERS[path.suffix.lower()](path)
    if len(faces) == 0:
        return None
    try:
        return TriangleMesh(vertices=vertices * scale, faces=faces)
    except CloudError as error:
        raise FileError(f'{path}: {error}') from error


def write_mesh(path: str | Path, mesh: TriangleMesh) -> None:
    """Write a mesh as obj, stl, off or ply, by its suffix; raises FileError."""
    path = Path(path)
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise FileError(f'cannot write {path}: choose one of {", ".join(MESH_SUFFIXES)}')
    import trimesh  # takes half a second, and most processes write no mesh
    content = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    try:
        content.export(path, file_type=path.suffix.lower()[1:])
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def _read_stl(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (3 F, 3) and triangles (F, 3) of a binary or text STL file, by trimesh.

    Each triangle has its own vertices, as in the file.
    """
    import trimesh  # as in `write_mesh`
    try:
        content = path.read_bytes()
        mesh = trimesh.load_mesh(BytesIO(content), file_type='stl', process=False)
        vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    except Exception as error:  # trimesh raises a dozen types for damaged files
        raise FileError(f'{path} is not a whole STL file: {error}') from error
    binary = len(content) == _STL_HEADER_BYTES + _STL_FACE_BYTES * len(faces)
    # In text files, trimesh omits a solid that has no end.
    if not binary and not content.rstrip().lower().rpartition(b'\n')[2].startswith(b'endsolid'):
        raise FileError(f'{path} does not end as an STL file does: was it cut short?')
    return vertices, faces


_READERS = {'.obj': read_obj, '.stl': _read_stl, '.off': read_off, '.ply': read_ply}
