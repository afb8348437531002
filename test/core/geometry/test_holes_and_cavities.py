"""Surfaces with small holes, one-sided ones, sheets, and parts within or beside other parts."""

from helpers.objects import boxes
from helpers.surfaces import ball, joined, klein_bottle, of, reversed_, signed_volume, strip
import numpy as np
import pytest
import trimesh

from pointpng_core.geometry import nested_parts
from pointpng_core.geometry.nested_parts import winding_numbers
from pointpng_core.geometry.orientation import outward
from pointpng_core.simulation.shapes.catalogue import make_object


def without(mesh, share, seed=0):
    """A mesh with a hole: the faces nearest to one of them are left out."""
    middles = mesh.vertices[mesh.faces].mean(axis=1)
    at = middles[np.random.default_rng(seed).integers(len(middles))]
    near = np.argsort(np.linalg.norm(middles - at, axis=1))
    return of(mesh.vertices, mesh.faces[np.sort(near[round(share * len(near)):])])


def flipped(mesh, share, seed):
    wrong = np.random.default_rng(seed).random(len(mesh.faces)) < share
    return of(mesh.vertices, np.where(wrong[:, None], mesh.faces[:, ::-1], mesh.faces)), wrong


@pytest.mark.parametrize('name', ['mug', 'bottle', 'hammer'])
@pytest.mark.parametrize('share', [0.002, 0.01])
def test_a_small_hole_does_not_keep_a_mesh_inside_out(name, share):
    mesh = without(make_object(name).mesh, share)
    assert (outward(mesh).mesh.faces == mesh.faces).all()
    found = outward(reversed_(mesh))
    assert signed_volume(found.mesh) == pytest.approx(signed_volume(mesh))
    assert found.open_share == 0


def test_the_same_holes_far_from_the_origin():
    """The volume of what is not closed depends on the origin: that of the filled one does not."""
    mesh = without(ball(), 0.04)
    for shift in ((3, 0, 0), (-3, 0, 0), (0, 2, -2)):
        away = of(mesh.vertices + np.float32(shift), mesh.faces)
        assert outward(away).turned == 0
        assert outward(reversed_(away)).turned == len(mesh.faces)


@pytest.mark.parametrize('mesh', [strip(1), strip(3), klein_bottle(), strip(0), strip(2),
                                  without(ball(), 0.5)],
                         ids=['moebius', 'three turns', 'klein', 'ring', 'full turn', 'half ball'])
@pytest.mark.parametrize('seed', range(2))
def test_one_sided_surfaces_and_sheets_stay(mesh, seed):
    given, _ = flipped(mesh, 0.3 * seed, seed)
    found = outward(given)
    assert (found.mesh.faces == given.faces).all()
    assert found.open_share == 1


@pytest.mark.parametrize('name', ['mug', 'drill'])
@pytest.mark.parametrize('share', [0.05, 0.45, 0.8])
def test_faces_turned_at_random_are_all_turned_back(name, share):
    made = make_object(name).mesh
    corners = made.vertices[made.faces]
    three = (corners != np.roll(corners, 1, axis=1)).any(axis=2).all(axis=1)
    mesh = of(made.vertices, made.faces[three])
    given, wrong = flipped(mesh, share, 1)
    found = outward(given)
    assert (found.mesh.faces == mesh.faces).all()
    assert found.turned == wrong.sum()


@pytest.mark.parametrize('seed', range(3))
def test_sides_are_those_that_trimesh_finds(seed):
    made = trimesh.creation.torus(0.05, 0.02, major_sections=24, minor_sections=12)
    given, _ = flipped(without(of(made.vertices, made.faces), 0.02 * seed), 0.4, seed)
    twin = trimesh.Trimesh(given.vertices, given.faces, process=False)
    trimesh.repair.fix_winding(twin)
    wanted = np.asarray(twin.faces)
    if signed_volume(of(twin.vertices, wanted)) < 0:
        wanted = wanted[:, ::-1]
    found = outward(given).mesh.faces
    assert [set(zip(row, np.roll(row, -1))) for row in found.tolist()] \
        == [set(zip(row, np.roll(row, -1))) for row in wanted.tolist()]


@pytest.mark.parametrize('place', ['in the ring', 'in the bowl', 'in the wall'])
def test_what_is_around_decides_not_its_box(place):
    """A ball in the box of a ring or a bowl, but outside of it, is no cavity."""
    made = trimesh.creation.torus(0.05, 0.02, major_sections=48, minor_sections=24)
    ring, bowl = of(made.vertices, made.faces), make_object('bowl').mesh
    low, high = bowl.vertices.min(axis=0), bowl.vertices.max(axis=0)
    around, part, is_cavity = {
        'in the ring': (ring, ball(0.01), False),
        'in the wall': (ring, ball(0.01, (0.05, 0, 0)), True),
        'in the bowl': (bowl, ball(0.01, (*(low + high)[:2] / 2, high[2] - 0.015)), False)}[place]
    found = outward(joined(around, reversed_(part)))
    assert found.turned == (0 if is_cavity else len(part.faces))
    whole = outward(reversed_(joined(around, reversed_(part))))
    assert whole.turned == len(around.faces) + (len(part.faces) if is_cavity else 0)


def test_a_part_in_a_cavity_and_one_that_sticks_in_a_wall():
    hollow = joined(ball(0.05), reversed_(ball(0.04)))
    assert outward(joined(hollow, reversed_(ball(0.01)))).turned == len(ball().faces)
    assert outward(joined(hollow, ball(0.01))).turned == 0
    stuck = reversed_(ball(0.01, (0.04, 0, 0)))           # half of it in the wall
    assert outward(joined(hollow, stuck)).turned == len(stuck.faces)


def test_parts_beyond_the_limit_stay(monkeypatch):
    mesh = joined(ball(0.05), *(reversed_(ball(0.004, (x, 0, 0))) for x in (-0.02, 0, 0.02)),
                  reversed_(ball(0.01, (0.2, 0, 0))))
    assert outward(mesh).turned == len(ball().faces)
    monkeypatch.setattr(nested_parts, 'MOST_LOOKUPS', 0)
    assert outward(mesh).turned == len(ball().faces)      # nothing is around the last one
    monkeypatch.setattr(nested_parts, 'MOST_PARTS', 1)
    assert outward(mesh).turned == 0


def test_boxes_that_share_an_edge_are_two_parts():
    """Four faces at one edge: which two belong together is open, the sides are not."""
    box = boxes(((-0.05, -0.05, -0.05), (0.05, 0.05, 0.05)))
    other = of(box.vertices + np.float32([0.1, 0.1, 0]), box.faces)
    for pair in (joined(box, reversed_(other)), joined(reversed_(box), other),
                 joined(reversed_(box), reversed_(other))):
        assert signed_volume(outward(pair).mesh) == pytest.approx(0.002)


def test_what_has_no_volume_or_one_of_rounding_only_stays():
    flat = of([[0, 0, 0], [0.1, 0, 0], [0.1, 0.1, 0], [0, 0.1, 0]],
              [[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    torn = boxes(((-0.05, -1e22, -0.03), (4e32, 0.04, 0.03)))
    for mesh in (flat, reversed_(flat), torn, reversed_(torn)):
        assert outward(mesh).turned == 0
        assert outward(mesh).open_share == 1


def test_small_parts_beside_a_large_one_are_turned():
    mesh = joined(ball(1), reversed_(ball(0.01, (1.2, 0, 0))), reversed_(ball(1e-3, (0, 1.1, 0))))
    assert outward(mesh).turned == 2 * len(ball().faces)


def test_winding_numbers(monkeypatch):
    """Of a hollow ball with another one in its middle: 1 in either solid, 0 elsewhere."""
    monkeypatch.setattr(nested_parts, 'BLOCK', 100)
    mesh = joined(ball(0.05), reversed_(ball(0.03)), ball(0.01))
    triangles = mesh.vertices[mesh.faces].astype(float)
    places = np.random.default_rng(0).normal(size=(7, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    places *= np.array([0, 0.005, 0.02, 0.035, 0.045, 0.06, 10])[:, None]
    wanted = [1, 1, 0, 1, 1, 0, 0]
    assert winding_numbers(triangles, places) == pytest.approx(wanted, abs=1e-9)
    assert winding_numbers(triangles[:, ::-1], places) == pytest.approx(
        -np.array(wanted), abs=1e-9)
