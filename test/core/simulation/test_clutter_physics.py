"""Dropped objects rest, where and as they should, and hardly overlap."""

import itertools

from helpers.objects import boxes
import numpy as np
import open3d as o3d
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.meshes import sample_surface
from pointpng_core.io.object_library import ObjectModel
from pointpng_core.simulation.clutter import scenery
from pointpng_core.simulation.clutter.objects import clutter_objects

pytest.importorskip('mujoco', reason='needs MuJoCo (pip install the extra [sim])')
from pointpng_core.simulation.clutter.physics import drop

EDGE_M = 0.06
CUBE = boxes(((0, 0, 0), (EDGE_M, EDGE_M, EDGE_M)))
"""Its origin is at a corner, so that a pose of its middle instead of its origin is found out."""
SLAB = boxes(((-0.05, -0.04, 0), (0.05, 0.04, 0.03)))


def prepared(*meshes):
    return clutter_objects([ObjectModel(name=f'box_{index}', model=mesh, symmetry=None, path=None)
                            for index, mesh in enumerate(meshes)], cache=None)


def middle(T_world_cube):
    return T_world_cube[:3, :3] @ np.full(3, EDGE_M / 2) + T_world_cube[:3, 3]


def inside_m(mesh, points):
    """How deep the deepest of the points is inside a closed mesh."""
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    distances = scene.compute_signed_distance(o3d.core.Tensor(points.astype(np.float32)),
                                              nsamples=5)  # one ray may pass along a face
    return max(0.0, -float(distances.numpy().min()))


@pytest.mark.parametrize('seed', range(3))
def test_a_cube_rests_on_one_of_its_faces(seed):
    resting = drop(prepared(CUBE), np.array([[0.1, -0.05]]), scenery.table(), at_once=True,
                   rotations=Rotation.random(1, np.random.default_rng(seed)))
    T, = resting.T_world_objects
    assert resting.rests
    assert resting.on_ground.all()
    assert not resting.touching
    assert middle(T)[2] == pytest.approx(EDGE_M / 2, abs=0.001)
    assert np.abs(T[2, :3]).max() == pytest.approx(1, abs=0.001)
    assert np.abs(middle(T)[:2] - [0.1, -0.05]).max() < 2 * EDGE_M


def test_objects_of_a_heap_touch_but_do_not_overlap():
    meshes = [CUBE, SLAB] * 3
    rng = np.random.default_rng(2)
    resting = drop(prepared(*meshes), rng.uniform(-0.03, 0.03, (6, 2)), scenery.table(),
                   rotations=Rotation.random(6, rng), at_once=False)
    assert resting.rests
    assert resting.touching
    assert resting.overlap_m < 0.001
    worlds = [sample_surface(mesh, 4000)[0] @ T[:3, :3].T + T[:3, 3]
              for mesh, T in zip(meshes, resting.T_world_objects)]
    assert min(points[:, 2].min() for points in worlds) > -0.001
    for one, other in itertools.permutations(range(6), 2):
        T = resting.T_world_objects[one]
        assert inside_m(meshes[one], (worlds[other] - T[:3, 3]) @ T[:3, :3]) < 0.0015


def test_what_falls_off_is_known_to_have_fallen():
    resting = drop(prepared(CUBE, CUBE), np.array([[0.0, 0.0], [0.3, 0.5]]),
                   scenery.ledge(0.3, 0.08), rotations=Rotation.identity(2), at_once=True)
    assert resting.on_ground.tolist() == [True, False]
    assert resting.rests


def test_walls_of_a_bin_hold_what_is_dropped_into_it():
    rng = np.random.default_rng(0)
    box = scenery.bin_on_table(0.09, 0.07, 0.12)
    resting = drop(prepared(CUBE) * 3, rng.uniform(-0.02, 0.02, (3, 2)), box, at_once=False,
                   rotations=Rotation.random(3, rng))
    middles = np.array([middle(T) for T in resting.T_world_objects])
    assert (np.abs(middles[:, :2]) < [0.09, 0.07]).all()
