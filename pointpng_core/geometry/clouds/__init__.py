"""Point clouds as arrays: filtering, sampling, position, size, neighbours, normals, visibility."""

from pointpng_core.geometry.clouds.filtering import finite_rows, require_points
from pointpng_core.geometry.clouds.fixed_viewpoint import FixedViewpoint
from pointpng_core.geometry.clouds.measures import (
    centred,
    diameter_m,
    estimate_normals,
    knn,
    spacing_m,
)
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.geometry.clouds.sampling import (
    farthest_points,
    random_points,
    voxel_downsample,
    voxel_keys,
)
from pointpng_core.geometry.clouds.stray_points import (
    main_rows,
    stray_points,
    stray_surface_points,
)

__all__ = [
    'FixedViewpoint',
    'PointCloud',
    'centred',
    'diameter_m',
    'estimate_normals',
    'farthest_points',
    'finite_rows',
    'knn',
    'main_rows',
    'random_points',
    'require_points',
    'spacing_m',
    'stray_points',
    'stray_surface_points',
    'voxel_downsample',
    'voxel_keys',
]
