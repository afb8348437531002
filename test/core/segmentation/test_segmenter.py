"""Segmentation of simulated scenes: objects found, split where they touch, and kept whole."""

from helpers.scenes import SHAPE, box, camera, cylinder, placed, see, table
import numpy as np
import pytest

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.evaluation.segmentation.benchmark import intersection_over_union
from pointpng_core.segmentation import SegmenterConfig, segment_scene
from pointpng_core.simulation.shapes.catalogue import make_object

CONFIG = SegmenterConfig()
APART = (box((0.08, 0.06, 0.12), (-0.05, 0.15, 0), rotation_deg=20), box((0.12, 0.1, 0.06)),
         cylinder(0.035, 0.11, (0.05, -0.2, 0)))


def segment(points, **options):
    return segment_scene(points, config=SegmenterConfig(**options), image_shape=SHAPE)


def overlaps(hit, scene, objects):
    """IoU (O, S) of the meshes with these indices and the segments."""
    label = np.where(np.isin(hit, objects), hit, 0)
    return intersection_over_union(label, [part.indices for part in scene.segments])


def assert_each_found(hit, scene, objects, iou=0.85):
    found = overlaps(hit, scene, objects)
    assert found.shape == (len(objects), len(objects))
    assert found.max(axis=1).min() > iou


@pytest.mark.parametrize(('distance', 'pitch_deg'), [(0.6, 55), (0.9, 40), (1.2, 30)])
def test_objects_that_stand_apart_are_found_and_nothing_else(distance, pitch_deg):
    points, hit = see([table(), *APART], camera(distance, pitch_deg))
    assert_each_found(hit, segment(points), [1, 2, 3])


def test_segments_hold_their_own_rows_of_the_cloud():
    points, _ = see([table(), *APART], camera())
    scene = segment(points)
    used = np.concatenate([part.indices for part in scene.segments])
    assert len(np.unique(used)) == len(used)
    sizes = [len(part.indices) for part in scene.segments]
    assert sizes == sorted(sizes, reverse=True)
    for part in scene.segments:
        assert part.points.dtype == np.float32
        assert part.indices.dtype == np.int64
        np.testing.assert_array_equal(part.points, points[part.indices])
    assert {'table', 'split', 'total'} <= set(scene.stage_ms)


def test_the_plane_is_the_table_in_the_frame_of_the_camera():
    T_world_camera = camera(0.9, 40)
    points, _ = see([table(), *APART], T_world_camera)
    plane = segment(points).plane
    up = T_world_camera[:3, :3].T @ [0, 0, 1]
    assert np.degrees(np.arccos(plane.normal @ up)) < 0.5
    assert plane.offset_m == pytest.approx(T_world_camera[2, 3], abs=0.003)
    assert plane.offset_m > 0


def test_segmentation_is_deterministic_and_does_not_modify_the_cloud():
    points, _ = see([table(), *APART], camera())
    before = points.copy()
    first, second = segment(points), segment(points)
    np.testing.assert_array_equal(points, before)
    assert first.plane.offset_m == second.plane.offset_m
    assert len(first.segments) == len(second.segments)
    for one, other in zip(first.segments, second.segments):
        np.testing.assert_array_equal(one.indices, other.indices)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_an_unorganised_cloud_gives_about_the_same_segments(dtype):
    points, hit = see([table(), *APART], camera())
    rows = np.random.default_rng(1).permutation(np.flatnonzero(np.isfinite(points[:, 0])))
    scene = segment_scene(points[rows].astype(dtype), config=CONFIG)
    assert_each_found(hit[rows], scene, [1, 2, 3])


def test_holes_and_infinite_points_are_ignored():
    points, hit = see([table(), *APART], camera())
    bad = np.random.default_rng(2).random(len(points)) < 0.15
    points[bad] = np.random.default_rng(3).choice(
        np.float32([np.nan, np.inf, -np.inf, 3e38]), (bad.sum(), 3))
    hit[bad] = -1
    scene = segment(points)
    assert_each_found(hit, scene, [1, 2, 3])
    assert all(np.isfinite(part.points).all() for part in scene.segments)


TOUCHING = {
    'side by side': (box((0.1, 0.1, 0.14), rotation_deg=40),
                     box((0.1, 0.1, 0.09), (0.034, -0.102, 0), rotation_deg=40)),
    'one behind the other': (box((0.05, 0.2, 0.18), (0.1, 0, 0)),
                             box((0.06, 0.09, 0.08), (0.044, 0, 0))),
    'stacked': (box((0.2, 0.26, 0.06)),
                box((0.1, 0.14, 0.09), (0.02, 0.02, 0.06), rotation_deg=25)),
    'a can on a box': (box((0.2, 0.2, 0.08)), cylinder(0.045, 0.12, (0, 0, 0.08))),
    'two cans': (cylinder(0.04, 0.12, (0, 0.041, 0)), cylinder(0.04, 0.12, (0, -0.041, 0))),
}


@pytest.mark.parametrize('name', TOUCHING)
def test_objects_that_touch_are_split_where_the_surface_is_concave(name):
    points, hit = see([table(), *TOUCHING[name]], camera(0.75, 38))
    assert_each_found(hit, segment(points), [1, 2], iou=0.75)
    assert len(segment(points, split=False).segments) == 1


@pytest.mark.parametrize('option', [{'min_part_area_m2': 0.5}, {'min_crease_deg': 170.0},
                                    {'min_step_m': 0.2}])
def test_each_threshold_can_keep_a_stack_together(option):
    points, _ = see([table(), *TOUCHING['stacked']], camera(0.75, 38))
    assert len(segment(points).segments) == 2
    assert len(segment(points, **option).segments) == 1


@pytest.mark.parametrize('rotation_deg', [60, 150, 240, 330])
@pytest.mark.parametrize('name', ['mug', 'bottle', 'drill', 'bracket', 'bowl'])
def test_one_object_with_a_concave_shape_stays_one(name, rotation_deg):
    mesh = make_object(name).mesh
    points, hit = see([table(), placed(mesh.vertices, mesh.faces, rotation_deg=rotation_deg)],
                      camera(0.7, 38), noise=0.001)
    assert_each_found(hit, segment(points), [1])


def test_a_floor_and_a_wall_larger_than_the_table_are_not_the_table():
    room = [box((6, 6, 0.02), (0, 0, -0.75)), box((0.02, 6, 3), (1.0, 0, -0.75))]
    clutter = [box((0.3, 0.3, 0.4), (0.2, 0.9, -0.73)), box((0.05, 0.3, 0.2), (0.95, 0, 0.3))]
    points, hit = see([table(0.7, 0.6), *APART, *room, *clutter], camera(1.1, 32))
    assert np.isin(hit, [4, 5]).sum() > 1.5 * (hit == 0).sum()
    scene = segment(points)
    assert scene.plane.offset_m == pytest.approx(camera(1.1, 32)[2, 3], abs=0.01)
    assert_each_found(hit, scene, [1, 2, 3])


def test_an_object_beside_the_table_is_no_segment():
    points, hit = see([table(0.5, 0.5), *APART, box((0.1, 0.1, 0.5), (0.15, 0.42, -0.3))],
                      camera(1.0, 40))
    assert (hit == 4).sum() > 500
    scene = segment(points)
    assert overlaps(hit, scene, [4]).max() < 0.1
    assert overlaps(hit, scene, [1, 2, 3]).max(axis=1).min() > 0.85


def test_an_object_without_a_table_is_found_without_a_plane():
    points, hit = see([cylinder(0.04, 0.12), box((0.08, 0.08, 0.1), (0, 0.25, 0))], camera())
    scene = segment(points)
    assert scene.plane is None
    assert len(scene.segments) == 2
    assert [set(hit[part.indices]) for part in scene.segments] in ([{0}, {1}], [{1}, {0}])


def test_an_empty_table_has_a_plane_and_no_segments():
    points, _ = see([table()], camera())
    scene = segment(points)
    assert scene.plane is not None
    assert scene.segments == ()


@pytest.mark.parametrize('points', [
    np.zeros((0, 3), np.float32), np.full((500, 3), np.nan, np.float32),
    np.zeros((500, 3), np.float32), np.float32([[0, 0, 1]]),
    np.stack([np.linspace(0, 1, 500)] * 3, axis=1), np.full((500, 3), 1e9)],
    ids=['empty', 'nan', 'zeros', 'one', 'line', 'far'])
def test_degenerate_clouds_give_no_plane(points):
    scene = segment_scene(points, config=CONFIG)
    assert scene.plane is None
    assert len(scene.segments) <= 1


def test_segments_too_small_or_too_large_are_left_out():
    points, hit = see([table(), box((0.02, 0.02, 0.02), (-0.1, 0.2, 0)), *APART], camera(0.7, 45))
    assert len(segment(points, min_segment_points=1).segments) == 4
    assert len(segment(points, min_segment_size_m=0.05).segments) == 3
    assert len(segment(points, min_segment_points=len(points)).segments) == 0
    small = segment(points, min_segment_points=1, max_segment_size_m=0.05)
    assert_each_found(hit, small, [1], iou=0.5)


def test_wrong_arrays_are_refused():
    with pytest.raises(CloudError, match=r'\(10, 4\)'):
        segment_scene(np.zeros((10, 4)), config=CONFIG)
    with pytest.raises(CloudError, match='image_shape'):
        segment_scene(np.zeros((10, 3)), config=CONFIG, image_shape=(3, 3))
    with pytest.raises(ConfigError, match='voxel_size_m'):
        SegmenterConfig(voxel_size_m=-1.0)
