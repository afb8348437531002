"""Reading and writing of meshes and clouds, in metres."""

from pointpng_core.files.clouds import CLOUD_SUFFIXES, write_cloud
from pointpng_core.files.meshes import MESH_SUFFIXES, TriangleMesh, read_mesh, write_mesh
from pointpng_core.files.models import MODEL_SUFFIXES, read_cloud, read_model
from pointpng_core.files.surface import sample_surface

__all__ = [
    'CLOUD_SUFFIXES', 'MESH_SUFFIXES', 'MODEL_SUFFIXES', 'TriangleMesh', 'read_cloud', 'read_mesh',
    'read_model', 'sample_surface', 'write_cloud', 'write_mesh',
]
