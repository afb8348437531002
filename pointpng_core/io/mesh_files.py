"""Triangle meshes in obj, stl, off and ply files."""

from pathlib import Path

from pointpng_core.errors import CloudError, FileError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.files import checked_path
from pointpng_core.io.ply import read_ply
from pointpng_core.io.stl import read_stl
from pointpng_core.io.text_meshes import read_obj, read_off
from pointpng_core.io.units import check_offset, unit_scale

MESH_SUFFIXES = ('.obj', '.stl', '.off', '.ply')


def read_mesh(path: str | Path, *, unit: str = 'm') -> TriangleMesh:
    """Read an obj, stl, off or ply file with faces, of a length unit of UNIT_M, in metres.

    Raises FileError when the file is missing, empty, cut short, of another format, or has no
    faces, and for another unit.
    """
    path = checked_path(path, MESH_SUFFIXES)
    mesh = load_mesh_or_none(path, scale=unit_scale(str(path), unit))
    if mesh is None:
        raise FileError(f'{path} holds no readable faces: is it a cloud, or was it cut short?')
    return mesh


def load_mesh_or_none(path: Path, *, scale: float) -> TriangleMesh | None:
    """Read a file that may hold a mesh; None when it holds no faces. Raises FileError."""
    vertices, faces = _READERS[path.suffix.lower()](path)
    if len(faces) == 0:
        return None
    try:
        mesh = TriangleMesh(vertices=vertices * scale, faces=faces)
    except CloudError as error:
        raise FileError(f'{path}: {error}') from error
    check_offset(str(path), mesh.vertices)
    return mesh


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


_READERS = {'.obj': read_obj, '.stl': read_stl, '.off': read_off, '.ply': read_ply}
