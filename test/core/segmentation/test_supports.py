"""The choice of supports: each scene is one in which the largest or nearest plane is wrong."""

from helpers.scenes import SHAPE, box, camera, cylinder, see, table
import numpy as np
import pytest

from pointpng_core.evaluation.segmentation.benchmark import intersection_over_union
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.segmentation import (
    Role,
    SegmenterConfig,
    SupportKind,
    find_supports,
    segment_scene,
)

CONFIG = SegmenterConfig()
FLOOR = box((8, 8, 0.02), (2, 0, -0.74))
BOARD = box((0.3, 1.0, 0.02), (0, 0, -0.02))
UP = np.array([0.0, 0.0, 1.0])


def wall(x):
    return box((0.02, 6, 3), (x, 0, -0.72))


def things(z=0.0, *, x=0.0, scale=1.0):
    """Four objects in a row on the height z, with gaps."""
    first = box(scale * np.array((0.08, 0.06, 0.12)), (x - 0.03, -0.2 * scale, z), rotation_deg=20)
    return [first,
            cylinder(0.035 * scale, 0.11 * scale, (x + 0.02, -0.07 * scale, z)),
            box(scale * np.array((0.1, 0.08, 0.06)), (x - 0.02, 0.06 * scale, z), rotation_deg=60),
            cylinder(0.045 * scale, 0.07 * scale, (x, 0.2 * scale, z))]


def rolled(T_world_camera, angle_deg):
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    T_camera_rolled = np.eye(4)
    T_camera_rolled[:2, :2] = [[c, -s], [s, c]]
    return T_world_camera @ T_camera_rolled


def bin_walls(height=0.12):
    return [box((0.02, 0.6, height), (-0.2, 0, 0)), box((0.02, 0.6, height), (0.2, 0, 0)),
            box((0.4, 0.02, height), (0, -0.3, 0)), box((0.4, 0.02, height), (0, 0.3, 0))]


BIG_BOX = box((0.3, 0.4, 0.15), (0.2, 0, 0), rotation_deg=25)
ON_IT = box((0.08, 0.1, 0.07), (0.2, 0, 0.15), rotation_deg=30)
SCENES = {
    # name: (background, objects, T_world_camera, heights of the supports)
    'table above a floor': ([table(0.7, 0.7), FLOOR], things(), camera(1.0, 35), [0]),
    'small table': ([box((0.25, 0.25, 0.02), (0, 0, -0.02)), FLOOR], things(scale=0.45),
                    camera(1.1, 35), [0]),
    'ledge above a far floor': ([box((0.18, 1.4, 0.03), (0, 0, -0.03)), FLOOR], things(),
                                camera(0.8, 20), [0]),
    'shelf with a back wall': ([BOARD, wall(0.16)], things(), camera(0.8, 15), [0]),
    'two boards': ([BOARD, box((0.3, 1.0, 0.02), (0, 0, -0.37)), wall(0.16)],
                   things() + things(-0.35, x=-0.05), camera(1.0, 25, target=(0, 0, -0.1)),
                   [0, -0.35]),
    'bin on a table': ([table(), *bin_walls()], things(), camera(0.8, 60), [0]),
    'table before a wall': ([table(1.2, 1.4), wall(0.3)], things(), camera(0.9, 25), [0]),
    'seen from straight above': ([table(0.6, 0.6), FLOOR], things(), camera(0.9, 90), [0]),
    'rolled camera': ([table()], things(), rolled(camera(0.8, 40), 115), [0]),
    'a big box': ([table()], [BIG_BOX, ON_IT, *things(x=-0.2)], camera(0.8, 40), [0]),
    'a big box from above': ([table()], [BIG_BOX, ON_IT, *things(x=-0.22)], camera(1.0, 88), [0]),
    'table edge-on': ([table()], things(), camera(1.4, 0, target=(0, 0, 0)), []),
    'wall without a table': ([wall(0.3)], things(), camera(0.9, 10), []),
}


def found_of(hit, scene, objects):
    label = np.where(np.isin(hit, objects), hit, 0)
    return intersection_over_union(label, [part.indices for part in scene.segments]).max(axis=1)


@pytest.mark.parametrize('name', SCENES)
def test_the_right_planes_are_chosen_and_what_stands_on_them_is_found(name):
    background, objects, T_world_camera, heights_m = SCENES[name]
    points, hit = see([*background, *objects], T_world_camera)
    scene = segment_scene(points, config=CONFIG, image_shape=SHAPE)
    normals = [T_world_camera[:3, :3] @ patch.plane.normal for patch in scene.support.supports]
    assert [normal @ UP for normal in normals] == pytest.approx([1] * len(heights_m), abs=0.002)
    found_m = [T_world_camera[2, 3] - patch.plane.offset_m for patch in scene.support.supports]
    assert sorted(found_m) == pytest.approx(sorted(heights_m), abs=0.01), scene.support.reason
    indices = np.arange(len(background), len(background) + len(objects))
    assert np.mean(found_of(hit, scene, indices) > 0.5) > 0.85
    segmented = np.concatenate([part.indices for part in scene.segments])
    assert np.isin(hit[segmented], indices).mean() > (0.5 if 'bin' in name else 0.97)


@pytest.mark.parametrize('objects', [
    things(), [*things(x=-0.2), BIG_BOX], [box((0.08, 0.2, 0.3), rotation_deg=30)],
    [box((0.2, 0.3, 0.08)), cylinder(0.04, 0.12, (0, 0, 0.08))]],
    ids=['four', 'with a big box', 'one box', 'a can on a box'])
def test_masked_objects_have_no_support(objects):
    points, hit = see([table(), *objects], camera(0.8, 40))
    points[hit == 0] = np.nan
    scene = segment_scene(points, config=CONFIG, image_shape=SHAPE)
    assert scene.support.kind is SupportKind.NONE
    assert scene.plane is None
    assert 'no plane supports objects' in scene.support.reason
    assert found_of(hit, scene, np.arange(1, len(objects) + 1)).min() > 0.5


def test_the_choice_says_what_was_chosen_and_why():
    background, objects, T_world_camera, _ = SCENES['shelf with a back wall']
    points, _ = see([*background, *objects], T_world_camera)
    choice = find_supports(points, config=CONFIG, depth_noise=KINECT_NOISE)
    assert choice.kind is SupportKind.ONE
    assert 'stand' in choice.reason
    assert ' m away' in choice.reason
    main = choice.candidates[0]
    assert main.role is Role.SUPPORT
    assert main.evidence.groups >= 1
    behind, = choice.backgrounds
    assert abs(T_world_camera[:3, :3] @ behind.plane.normal @ UP) < 0.01
    reason, = (each.reason for each in choice.candidates if each.role is Role.BACKGROUND)
    assert 'inclined' in reason or 'nothing' in reason


def test_an_empty_table_is_a_support_on_which_nothing_stands():
    points, _ = see([table()], camera())
    choice = find_supports(points, config=CONFIG, depth_noise=KINECT_NOISE)
    assert choice.kind is SupportKind.EMPTY
    assert 'nothing stands' in choice.reason


def test_the_edge_of_an_upper_board_is_no_object():
    background, objects, T_world_camera, _ = SCENES['two boards']
    points, hit = see([*background, *objects], T_world_camera)
    scene = segment_scene(points, config=CONFIG, image_shape=SHAPE)
    segmented = np.concatenate([part.indices for part in scene.segments])
    assert (hit[segmented] < len(background)).sum() < 0.02 * len(segmented)
