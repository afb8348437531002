"""Files, without ROS: meshes and clouds in metres, bags, checkpoints, object libraries.

    mesh_files        obj, stl, off, ply; the readers of obj and off in text_meshes, of ply in ply
    cloud_files       ply, pcd, xyz, npy, npz
    model_files       either of them, and units
    pcd_viewpoint     where the sensor of a PCD file was
    depth_images      depth images in metres, and masks
    image_files       PNG, TIFF and JPEG
    camera_files      intrinsics of BOP, ROS and Open3D
    object_library    a folder of models with an objects.yaml
    bags/             clouds, depth images and CameraInfo of recordings
    bop/              datasets in the layout of the BOP benchmark
    checkpoints/      models and the state of trainings
    units             of lengths
    files             checked paths, atomic writes, hashes, values for JSON
    system_libraries  shared libraries that Open3D and torch load

Everything that cannot be read or written raises FileError.
"""

from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.io.camera_files import read_camera
from pointpng_core.io.cloud_files import CLOUD_SUFFIXES, write_cloud
from pointpng_core.io.depth_images import read_depth, read_mask
from pointpng_core.io.mesh_files import (
    MESH_SUFFIXES,
    read_mesh,
    write_mesh,
)
from pointpng_core.io.model_files import MODEL_SUFFIXES, read_cloud, read_model, read_point_cloud

__all__ = [
    'CLOUD_SUFFIXES', 'MESH_SUFFIXES', 'MODEL_SUFFIXES', 'TriangleMesh', 'read_camera',
    'read_cloud', 'read_depth', 'read_mask', 'read_mesh', 'read_model', 'read_point_cloud',
    'sample_surface', 'write_cloud', 'write_mesh',
]
