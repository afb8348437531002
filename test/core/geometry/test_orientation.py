"""Meshes inside out, doubled, with cavities, with neighbours that disagree, and open ones."""

from helpers.surfaces import ball, joined, of, reversed_, signed_volume
import numpy as np
import pytest

from pointpng_core.geometry.meshes import sample_surface
from pointpng_core.geometry.orientation import outward
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = ('mug', 'bowl', 'bracket', 'drill')


def proper(mesh):
    """The number of faces with three corners; those of others have no side."""
    corners = mesh.vertices[mesh.faces]
    return sum(len(np.unique(each, axis=0)) == 3 for each in corners)


def same_surface(found, wanted):
    """The same points with the same normals, since sampling is the same for the same faces."""
    for one, other in zip(sample_surface(found, 500), sample_surface(wanted, 500)):
        assert one == pytest.approx(other, abs=1e-6)


@pytest.mark.parametrize('name', NAMES)
def test_good_meshes_stay_as_they_are(name):
    mesh = make_object(name).mesh
    found = outward(mesh)
    assert (found.mesh.faces == mesh.faces).all()
    assert (found.turned, found.doubled) == (0, 0)


@pytest.mark.parametrize('name', NAMES)
def test_inverted_meshes_are_turned(name):
    mesh = make_object(name).mesh
    found = outward(reversed_(mesh))
    assert signed_volume(found.mesh) == pytest.approx(signed_volume(mesh))
    assert found.turned == proper(mesh)
    assert 'point inward' in found.notes[0]


@pytest.mark.parametrize('name', NAMES)
def test_faces_that_are_there_both_ways_count_once(name):
    mesh = make_object(name).mesh
    for both in ((mesh, reversed_(mesh)), (reversed_(mesh), mesh)):
        faces = np.concatenate([each.faces for each in both])
        found = outward(of(mesh.vertices, faces))
        assert found.doubled == proper(mesh)
        assert signed_volume(found.mesh) == pytest.approx(signed_volume(mesh))
        assert 'there twice' in found.notes[0]
        same_surface(found.mesh, mesh if both[0] is mesh else of(
            mesh.vertices, mesh.faces[:, ::-1][:, ::-1]))


@pytest.mark.parametrize('seed', range(3))
def test_faces_that_disagree_with_their_neighbours_are_turned(seed):
    mesh = ball()
    wrong = np.random.default_rng(seed).random(len(mesh.faces)) < 0.3
    faces = np.where(wrong[:, None], mesh.faces[:, ::-1], mesh.faces)
    found = outward(of(mesh.vertices, faces))
    assert signed_volume(found.mesh) == pytest.approx(signed_volume(mesh))
    assert found.turned == wrong.sum()


def test_a_cavity_faces_inward_rightly():
    hollow = joined(ball(0.05), reversed_(ball(0.03)))
    assert outward(hollow).turned == 0
    assert signed_volume(outward(reversed_(hollow)).mesh) == pytest.approx(signed_volume(hollow))
    assert outward(reversed_(hollow)).turned == len(hollow.faces)


def test_of_two_parts_the_mirrored_one_is_turned():
    parts = joined(ball(0.05), reversed_(ball(0.03, (0.2, 0, 0))))
    assert signed_volume(outward(parts).mesh) == pytest.approx(
        signed_volume(ball(0.05)) + signed_volume(ball(0.03)))
    assert outward(parts).turned == len(parts.faces) / 2


def test_vertices_that_each_face_has_for_itself_are_joined():
    """As in every STL file."""
    mesh = ball()
    soup = of(mesh.vertices[mesh.faces[:, ::-1]].reshape(-1, 3),
              np.arange(3 * len(mesh.faces)).reshape(-1, 3))
    assert signed_volume(outward(soup).mesh) == pytest.approx(signed_volume(mesh))


def test_open_surfaces_stay_as_they_are_with_a_note():
    mesh = ball()
    half = of(mesh.vertices, mesh.faces[:len(mesh.faces) // 2, ::-1])
    found = outward(half)
    assert (found.mesh.faces == half.faces).all()
    assert found.open_share == 1
    assert 'not closed' in found.notes[0]
