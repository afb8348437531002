"""A mesh is its surface: what belongs to no face changes neither size nor shape."""

from helpers.objects import boxes
import numpy as np
import pytest

from pointpng_core.errors import CloudError
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.io.object_library import ObjectModel, load_library, write_library

BOX = boxes(((0.4, 0.4, 0.4), (0.5, 0.45, 0.43)))
COUNT = len(BOX.vertices)


@pytest.mark.parametrize('faces', [
    BOX.faces, [*BOX.faces, [COUNT] * 3], [[COUNT + 1, 0, 0], *BOX.faces, [0, COUNT, COUNT]]],
    ids=['no face', 'a face at one place', 'faces that are lines'])
@pytest.mark.parametrize('far', [(0, 0, 0), (5, 5, 5), (np.nan, 0, 0), (1e300, 0, 0)])
def test_what_is_no_surface_is_left_out(faces, far):
    mesh = TriangleMesh(vertices=[*BOX.vertices, far, far], faces=np.array(faces))
    assert np.array_equal(mesh.vertices, BOX.vertices)
    assert np.array_equal(mesh.faces, BOX.faces)


def test_unused_vertices_in_the_middle_do_not_shift_faces():
    vertices = np.insert(BOX.vertices, 3, (9, 9, 9), axis=0)
    mesh = TriangleMesh(vertices=vertices, faces=BOX.faces + (BOX.faces >= 3))
    assert np.array_equal(mesh.vertices[mesh.faces], BOX.vertices[BOX.faces])


def test_a_mesh_of_lines_alone_has_no_surface():
    mesh = TriangleMesh(vertices=BOX.vertices, faces=[[0, 0, 1], [2, 2, 2]])
    with pytest.raises(CloudError, match='no surface area'):
        sample_surface(mesh, 10)


def test_the_size_in_a_library_is_that_of_the_surface(tmp_path):
    mesh = TriangleMesh(vertices=[*BOX.vertices, (50, 0, 0)], faces=BOX.faces)
    write_library(tmp_path, [ObjectModel(name='box', model=mesh, symmetry=Symmetry(), path=None)])
    (model,) = load_library(tmp_path)
    assert np.ptp(model.points, axis=0) == pytest.approx([0.1, 0.05, 0.03], abs=1e-6)
