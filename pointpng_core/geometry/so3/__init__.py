"""Rotations in three dimensions: distances, grids, spherical harmonics and Wigner matrices.

Quaternions are xyzw. Everything is batched torch, on any device, in the dtype of its input; the
elementary conversions come from `roma`.
"""

from pointpng_core.geometry.so3.distances import quaternion_distance_rad, rotation_distance_rad
from pointpng_core.geometry.so3.look_at import frame_towards
from pointpng_core.geometry.so3.random import random_rotations
from pointpng_core.geometry.so3.sampling import (
    fibonacci_directions,
    in_plane_angles,
    rotation_grid,
    super_fibonacci,
)
from pointpng_core.geometry.so3.spherical_harmonics import degree_slices, real_harmonics
from pointpng_core.geometry.so3.wigner import flatten_blocks, rotation_generators, wigner_blocks

__all__ = [
    'degree_slices',
    'fibonacci_directions',
    'flatten_blocks',
    'frame_towards',
    'in_plane_angles',
    'quaternion_distance_rad',
    'random_rotations',
    'real_harmonics',
    'rotation_distance_rad',
    'rotation_generators',
    'rotation_grid',
    'super_fibonacci',
    'wigner_blocks',
]
