"""Reading and writing of meshes and clouds, in metres."""

from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.io.cloud_files import CLOUD_SUFFIXES, write_cloud
from pointpng_core.io.mesh_files import (
    MESH_SUFFIXES,
    read_mesh,
    write_mesh,
)
from pointpng_core.io.model_files import MODEL_SUFFIXES, read_cloud, read_model

__all__ = [
    'CLOUD_SUFFIXES', 'MESH_SUFFIXES', 'MODEL_SUFFIXES', 'TriangleMesh', 'read_cloud', 'read_mesh',
    'read_model', 'sample_surface', 'write_cloud', 'write_mesh',
]
