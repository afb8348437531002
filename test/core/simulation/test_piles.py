"""Stored piles: objects rest on the table or on each other, touch, and hardly overlap."""

import itertools

import numpy as np
import open3d as o3d
import pytest

from pointpng_core.errors import ConfigError
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.piles import PileWorld, pile_of, piles
from pointpng_core.simulation.shapes.catalogue import make_object, object_names
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import WorldConfig
from pointpng_core.simulation.worlds import SCENES, TABLETOP_OBJECTS, make_world, scene_objects

CAMERA = DepthCamera(width=160, height=120, fx=131.25, fy=131.25, cx=79.5, cy=59.5)
TOUCHING_M, ON_TABLE_M = 0.002, 0.001
OVERLAP_M = 0.003
"""Physics knows convex parts, which lie up to this far within the surface of a spray can."""
SEEDS = range(len(piles()))


def surface(mesh):
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    return scene


def placed(pile):
    """The vertices (V, 3) of each object on the table."""
    return [make_object(name).mesh.vertices @ T[:3, :3].T + T[:3, 3] for name, T in pile]


def gap_m(pile, vertices, one, other):
    """The least signed distance of the vertices of one object from the surface of another."""
    name, T = pile[other]
    local = ((vertices[one] - T[:3, 3]) @ T[:3, :3]).astype(np.float32)
    reach_m = np.abs(make_object(name).mesh.vertices).max() + 0.01
    near = local[(np.abs(local) < reach_m).all(axis=1)]
    if not len(near):
        return np.inf
    distances = surface(make_object(name).mesh).compute_signed_distance(
        o3d.core.Tensor(np.ascontiguousarray(near)), nthreads=1, nsamples=5)
    return float(distances.numpy().min())


@pytest.fixture(scope='module', params=SEEDS)
def gaps(request):
    """A pile, the heights of its objects, and the gaps (N, N) between them."""
    pile = pile_of(request.param)
    vertices = placed(pile)
    gaps = np.full((len(pile), len(pile)), np.inf)
    for one, other in itertools.permutations(range(len(pile)), 2):
        gaps[one, other] = gap_m(pile, vertices, one, other)
    return pile, np.array([each[:, 2].min() for each in vertices]), np.minimum(gaps, gaps.T)


def test_objects_hardly_overlap(gaps):
    _, heights_m, gaps_m = gaps
    assert gaps_m.min() > -OVERLAP_M
    assert heights_m.min() > -ON_TABLE_M


def test_every_object_is_held_by_the_table_or_by_others(gaps):
    _, heights_m, gaps_m = gaps
    held = (heights_m < ON_TABLE_M) | (gaps_m.min(axis=1) < TOUCHING_M)
    assert held.all()


def test_objects_touch_and_lean(gaps):
    pile, heights_m, gaps_m = gaps
    assert (gaps_m.min(axis=1) < TOUCHING_M).sum() >= 4
    assert (heights_m > ON_TABLE_M).any()
    upright_deg = [np.degrees(np.arccos(np.abs(T[2, :3]).max())) for _, T in pile]
    assert (np.array(upright_deg) > 8).sum() >= 3


def test_piles_are_of_the_catalogue_and_differ():
    first, *others = piles()
    assert len({name for name, _ in first}) >= 8
    for pile in piles():
        assert {name for name, _ in pile} < set(object_names())     # one is left as a distractor
    for other in others:
        assert not np.allclose([T for _, T in first], [T for _, T in other], atol=0.01)


@pytest.mark.parametrize('seed', SEEDS)
def test_the_camera_moves_around_objects_that_do_not(seed):
    world = PileWorld(config=WorldConfig(seed=seed))
    np.testing.assert_allclose(world.T_world_objects(0.0), world.T_world_objects(7.0), atol=1e-9)
    for item, (name, T) in zip(world.objects, pile_of(seed), strict=True):
        assert item.label == name
        np.testing.assert_allclose(item.motion.T_world_object(3.0), T, atol=1e-9)
    path = np.stack([world.T_world_camera(time_s)[:3, 3] for time_s in range(24)])
    assert np.ptp(path, axis=0).max() > 0.5


def test_a_frame_shows_a_pile_in_the_middle_with_hidden_parts():
    frame = DepthSimulator(PileWorld(), camera=CAMERA).frame(0, rate_hz=5.0)
    assert all(truth.inside for truth in frame.truths)
    shares = np.array([truth.visible_share for truth in frame.truths])
    assert (shares < 0.9).sum() >= 3
    assert (shares > 0.5).sum() >= 4


def test_seeds_beyond_the_last_begin_again():
    assert pile_of(len(piles())) is pile_of(0)


def test_scenes_by_name():
    assert scene_objects('tabletop', (), seed=3) == TABLETOP_OBJECTS
    assert scene_objects('tabletop', ('can', 'can'), seed=3) == ('can', 'can')
    assert scene_objects('clutter', (), seed=1) == tuple(name for name, _ in pile_of(1))
    with pytest.raises(ConfigError, match='objects mug: the scene clutter has objects of its own'):
        scene_objects('clutter', ('mug',), seed=0)
    with pytest.raises(ConfigError, match="scene 'attic': choose from tabletop, clutter"):
        scene_objects('attic', (), seed=0)


def test_the_world_of_a_scene_shows_its_objects():
    config = WorldConfig(seed=2)
    assert isinstance(make_world('clutter', (), config=config), PileWorld)
    for scene in SCENES:
        world = make_world(scene, (), config=config)
        assert tuple(item.label for item in world.objects) == scene_objects(scene, (), seed=2)
