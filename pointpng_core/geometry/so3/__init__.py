"""Rotations in three dimensions: frames, random rotations, grids, harmonics, Wigner matrices.

Quaternions are xyzw. Everything is batched torch, on any device, in the dtype of its input; the
elementary conversions come from `roma`.
"""

from roma import rotmat_geodesic_distance as rotation_distance_rad

from pointpng_core.geometry.so3.harmonics import (
    degree_slices,
    flatten_blocks,
    real_harmonics,
    rotation_generators,
    wigner_blocks,
)
from pointpng_core.geometry.so3.rotations import (
    fibonacci_directions,
    frame_towards,
    in_plane_angles,
    random_rotations,
    rotation_grid,
    super_fibonacci,
)

__all__ = [
    'degree_slices',
    'fibonacci_directions',
    'flatten_blocks',
    'frame_towards',
    'in_plane_angles',
    'random_rotations',
    'real_harmonics',
    'rotation_distance_rad',
    'rotation_generators',
    'rotation_grid',
    'super_fibonacci',
    'wigner_blocks',
]
