"""Point clouds as arrays: filtering, sampling, neighbours, normals and size."""

from pointpng_core.clouds.extent import centred, diameter_m
from pointpng_core.clouds.neighbours import knn, spacing_m
from pointpng_core.clouds.normals import estimate_normals
from pointpng_core.clouds.sampling import farthest_points, random_points
from pointpng_core.clouds.voxels import voxel_downsample, voxel_keys
from pointpng_core.finite import finite_rows, require_points

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
