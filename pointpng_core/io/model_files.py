"""One entry for any file that describes an object: a mesh where it has faces, else a cloud."""

from pathlib import Path

import numpy as np

from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.cloud_files import CLOUD_SUFFIXES, load_cloud
from pointpng_core.io.mesh_files import (
    MESH_SUFFIXES,
    load_mesh_or_none,
    read_mesh,
)
from pointpng_core.io.mesh_sampling import sample_surface
from pointpng_core.io.open3d_files import checked_path

MODEL_SUFFIXES = tuple(dict.fromkeys(MESH_SUFFIXES + CLOUD_SUFFIXES))
SURFACE_POINTS = 8192


def read_model(path: str | Path, *, scale: float = 1.0) -> TriangleMesh | np.ndarray:
    """Read whatever the file holds, in metres after `scale`; raises FileError.

    A file with faces gives a TriangleMesh, any other the rows of its cloud (N, 3) float32.
    """
    path = checked_path(path, MODEL_SUFFIXES)
    suffix = path.suffix.lower()
    if suffix not in CLOUD_SUFFIXES:
        return read_mesh(path, scale=scale)
    if suffix == '.ply':
        mesh = load_mesh_or_none(path, scale=scale)
        if mesh is not None:
            return mesh
    return load_cloud(path, scale=scale)


def read_cloud(path: str | Path, *, scale: float = 1.0) -> np.ndarray:
    """Read a file as points (N, 3) float32 in metres after `scale`; raises FileError.

    A cloud's rows come as stored, non-finite ones too; a mesh gives SURFACE_POINTS points drawn
    uniformly from its surface, the same ones every time.
    """
    model = read_model(path, scale=scale)
    return sample_surface(model, SURFACE_POINTS)[0] if isinstance(model, TriangleMesh) else model
