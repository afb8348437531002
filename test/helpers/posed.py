"""Objects seen at known poses, and how an estimate is compared with such a pose."""

import functools

import numpy as np

from helpers.objects import apart_deg, pose, random_rotation_matrix, view
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.shapes.catalogue import make_object

PLACE = (0.05, -0.03, 0.6)


@functools.cache
def seen(name, seed=1, noise=0.0):
    """The true pose of an object and its points as a camera sees it."""
    T = pose(random_rotation_matrix(seed), PLACE)
    return T, view(make_object(name).mesh, T, noise=noise, seed=seed)


def scaled(mesh, factor=1.0, shift=(0.0, 0, 0)):
    """A mesh scaled about the origin, then shifted."""
    vertices = mesh.vertices.astype(np.float64) * factor + shift
    return TriangleMesh(vertices=vertices.astype(np.float32), faces=mesh.faces)


def centre_error(estimate, T, centre):
    """Distance between an object's centre at the estimated and at the true pose."""
    return np.linalg.norm(((estimate.T_observation_reference - T) @ [*centre, 1])[:3])


def assert_posed(estimate, T, reference, *, degrees=1.0, diameters=0.01):
    """The estimate is the pose T (4, 4) within these limits."""
    assert apart_deg(estimate.T_observation_reference, T) < degrees
    assert centre_error(estimate, T, reference.centre) < diameters * reference.diameter_m
