"""Numbers only, no files and no models: rotations, clouds, meshes, symmetries, rigid motions.

    so3/              rotations: frames, random ones, grids, spherical harmonics, Wigner matrices
    clouds/           point clouds as arrays: filtering, sampling, measures, visibility
    meshes            triangle meshes and points sampled from their surface
    symmetry          groups of motions that leave a surface unchanged; errors that respect them
    symmetry_fitting  the group nearest to motions that were measured or typed
    symmetry_text     symmetries as short phrases
    rigid_motion      moved points, motion at constant velocity, point-to-plane Jacobians
    pinhole           intrinsics and lens distortion of cameras
    depth_jumps       the pixels at jumps of depth
    sensor_profiles   named depth cameras
    depth_noise       the noise of a depth camera

Nothing here imports another room, except errors and config.
"""

from pointpng_core.geometry.symmetry import CONTINUOUS, MAX_ORDER, Rotational, Symmetry

__all__ = ['CONTINUOUS', 'MAX_ORDER', 'Rotational', 'Symmetry']
