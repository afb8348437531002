"""Meshes inside out, or with every face both ways round, make the reference of the good one."""

from helpers.references import CONFIG, CountingBuilder
import numpy as np
import pytest

from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.shapes.catalogue import make_object


@pytest.mark.parametrize('name', ['mug', 'bowl'])
def test_surface_and_normals_are_those_of_the_good_mesh(name):
    mesh, builder = make_object(name).mesh, CountingBuilder(CONFIG)
    points, normals = builder.surface_of(mesh, name=name)
    inverted = TriangleMesh(vertices=mesh.vertices, faces=mesh.faces[:, ::-1])
    both = TriangleMesh(vertices=mesh.vertices,
                        faces=np.concatenate((mesh.faces, mesh.faces[:, ::-1])))
    for other in (inverted, both):
        other_points, other_normals = builder.surface_of(other, name=name)
        # Corners come in another order, and with them the samples within a face.
        near = np.linalg.norm(points[:, None] - other_points[None, :200], axis=2).argmin(axis=0)
        assert np.linalg.norm(points[near] - other_points[:200], axis=1).max() < 0.006
        assert np.median((normals[near] * other_normals[:200]).sum(axis=1)) > 0.9
        assert (np.einsum('ij,ij->i', normals[near], other_normals[:200]) > 0).mean() > 0.95
