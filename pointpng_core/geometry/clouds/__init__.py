"""Point clouds as arrays: filtering, sampling, neighbours, normals and size."""

from pointpng_core.geometry.clouds.extent import centred, diameter_m
from pointpng_core.geometry.clouds.neighbours import knn, spacing_m
from pointpng_core.geometry.clouds.normals import estimate_normals
from pointpng_core.geometry.clouds.sampling import farthest_points, random_points
from pointpng_core.geometry.clouds.validation import finite_rows, require_points
from pointpng_core.geometry.clouds.voxel_grid import voxel_downsample, voxel_keys

__all__ = [
    'centred',
    'diameter_m',
    'estimate_normals',
    'farthest_points',
    'finite_rows',
    'knn',
    'random_points',
    'require_points',
    'spacing_m',
    'voxel_downsample',
    'voxel_keys',
]
