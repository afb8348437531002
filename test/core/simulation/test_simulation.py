"""The simulated camera: its points lie where the truth says, its noise is what it declares."""

from dataclasses import replace
import itertools

import numpy as np
import open3d as o3d
import pytest

from pointpng_core.errors import ConfigError
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.placement import place_discs
from pointpng_core.simulation.rendering import BACKGROUND, CastBody, DepthImage, render
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig

CAMERA = DepthCamera(width=320, height=240, fx=262.5, fy=262.5, cx=159.5, cy=119.5)
IDEAL = SensorErrors().scaled(0)
NAMES = ('mug', 'drill', 'bracket', 'can', 'can')


def simulator(seed=0, noise=IDEAL, names=NAMES, **options):
    world = TabletopWorld(names, config=WorldConfig(seed=seed, **options))
    return DepthSimulator(world, camera=CAMERA, noise=noise)


def surface_distance(mesh, points):
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    return scene.compute_distance(o3d.core.Tensor(points.astype(np.float32))).numpy()


def test_points_lie_on_their_object_at_its_true_pose():
    source = simulator()
    frame = source.frame(7, rate_hz=5)
    for index, (truth, item) in enumerate(zip(frame.truths, source.world.objects)):
        points = frame.points[frame.owner == index]
        points = points[np.isfinite(points[:, 0])]
        assert len(points) > 50
        R, t = truth.T_camera_object[:3, :3], truth.T_camera_object[:3, 3]
        assert surface_distance(item.kind.mesh, (points - t) @ R).max() < 1e-4


def test_points_lie_on_their_pixels_rays():
    frame = simulator(noise=SensorErrors()).frame(0, rate_hz=5)
    seen = np.isfinite(frame.points[..., 2])
    row, column = np.nonzero(seen)
    pixels = CAMERA.pinhole.project(frame.points[seen].astype(np.float64))
    assert np.abs(pixels - np.stack([column, row], axis=1)).max() < 0.01


def test_background_is_the_table_plane_or_the_floor():
    source = simulator()
    frame = source.frame(3, rate_hz=5)
    T_world_camera = source.world.T_world_camera(3 / 5)
    background = frame.points[frame.owner == BACKGROUND]
    background = background[np.isfinite(background[:, 0])]
    height = (background @ T_world_camera[:3, :3].T + T_world_camera[:3, 3])[:, 2]
    on_table = np.abs(height) < 1e-4
    assert (on_table | (np.abs(height + source.world.config.table_m) < 1e-4)).all()
    assert on_table.mean() > 0.5


def test_same_seed_same_frames_other_seed_others():
    noise = SensorErrors()
    first, again = (simulator(seed=3, noise=noise).frame(5, rate_hz=5) for _ in range(2))
    other = simulator(seed=4, noise=noise).frame(5, rate_hz=5)
    np.testing.assert_array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points, equal_nan=True)


def test_visible_share_agrees_with_rendering_each_object_alone():
    source = simulator(seed=1)
    frame = source.frame(0, rate_hz=5)
    shares = [truth.visible_share for truth in frame.truths]
    for index, (truth, item) in enumerate(zip(frame.truths, source.world.objects)):
        alone = render(CAMERA, [CastBody(item.kind.mesh)], truth.T_camera_object[None])
        pixels = (alone.owner == 0).sum()
        assert truth.visible_share == pytest.approx((frame.owner == index).sum() / pixels)
    assert max(shares) <= 1


def test_hidden_object_is_not_in_view():
    """A box right in front of a mug hides it; beside the image nothing is inside."""
    bodies = [CastBody(make_object(name).mesh) for name in ('mug', 'box', 'can')]
    poses = np.repeat(np.eye(4)[None], 3, axis=0)
    poses[0, :3, 3], poses[1, :3, 3], poses[2, :3, 3] = [0, 0, 1], [0, 0, 0.4], [0.63, 0, 1]
    image = render(CAMERA, bodies, poses)
    assert image.visible_share[0] == 0
    assert image.visible_share[1] == 1
    assert image.inside.tolist() == [True, True, False]


def test_object_behind_the_camera_is_not_seen():
    pose = np.eye(4)
    pose[2, 3] = -1
    image = render(CAMERA, [CastBody(make_object('can').mesh)], pose[None])
    assert image.visible_share[0] == 0
    assert not image.inside[0]


@pytest.mark.parametrize('seed', range(4))
def test_objects_never_come_closer_than_the_gap(seed):
    """Whole meshes, whole motion: the least distance between two objects over half a minute."""
    world = simulator(seed=seed).world
    for time_s in np.linspace(0, 30, 16):
        placed = []
        for item, T in zip(world.objects, world.T_world_objects(time_s)):
            points = item.kind.mesh.vertices[::7] @ T[:3, :3].T + T[:3, 3]
            assert abs(points[:, 2].min()) < 2e-3
            placed.append(points[:, :2])
        for a, b in itertools.combinations(placed, 2):
            gap_m = np.linalg.norm(a[::5, None] - b[None, ::5], axis=2).min()
            assert gap_m >= world.config.gap_m


def test_motion_is_smooth_and_everything_moves():
    source = simulator(seed=2)
    poses = [source.world.T_world_objects(i / 5) for i in range(20)]
    steps = np.linalg.norm(np.diff([p[:, :3, 3] for p in poses], axis=0), axis=2)
    assert steps.max() < 0.05
    assert (np.abs(poses[-1] - poses[0]).max(axis=(1, 2)) > 0.01).all()
    camera = np.stack([source.world.T_world_camera(i / 5)[:3, 3] for i in range(20)])
    assert 0 < np.linalg.norm(np.diff(camera, axis=0), axis=1).max() < 0.06


def flat_image(depth_m, shape=(200, 200)):
    return DepthImage(depth_m=np.full(shape, depth_m, dtype=np.float32),
                      cosine=np.ones(shape, dtype=np.float32),
                      owner=np.zeros(shape, dtype=np.int16), visible_share=np.ones(1),
                      inside=np.ones(1, dtype=bool))


@pytest.mark.parametrize('depth_m', [0.5, 1.0, 2.0])
def test_axial_noise_and_drops_have_the_declared_statistics(depth_m):
    noise = SensorErrors(dropped_share=0.05)
    read = measure(flat_image(depth_m), noise, np.random.default_rng(0), near_m=0.3, far_m=4)
    seen = read[np.isfinite(read)]
    declared = 0.0012 + 0.0019 * (depth_m - 0.4) ** 2
    assert seen.std() == pytest.approx(declared, rel=0.05)
    assert seen.mean() == pytest.approx(depth_m, abs=5 * declared / np.sqrt(len(seen)))
    assert 1 - len(seen) / read.size == pytest.approx(0.05, abs=0.005)


def test_edges_fray_and_lose_pixels():
    image = flat_image(1.0)
    image.depth_m[:, 100:] = 1.5
    noise = replace(IDEAL, lateral_px=0.5)
    read = measure(image, noise, np.random.default_rng(0), near_m=0.3, far_m=4)
    swapped = read != image.depth_m
    assert swapped[:, 98:102].mean() > 0.05
    assert not swapped[5:-5, :95].any()
    noise = replace(IDEAL, edge_dropped_share=0.5)
    read = measure(image, noise, np.random.default_rng(0), near_m=0.3, far_m=4)
    assert np.isnan(read[:, 99:101]).mean() == pytest.approx(0.5, abs=0.1)
    assert not np.isnan(read[:, :99]).any()


def test_grazing_far_and_empty_pixels_have_no_reading():
    image = flat_image(1.0)
    image.cosine[:50] = np.cos(np.radians(85))
    image.depth_m[60:80] = np.inf
    image.depth_m[90:99] = 9.0
    read = measure(image, replace(IDEAL, grazing_deg=80.0), np.random.default_rng(0),
                   near_m=0.3, far_m=4)
    lost = np.isnan(read).all(axis=1)
    assert lost[:50].all()
    assert lost[60:80].all()
    assert lost[90:99].all()
    assert not lost[100:].any()


def test_quantisation_gives_steps_of_inverse_depth():
    image = flat_image(1.0)
    image.depth_m[:] = np.linspace(0.8, 1.2, image.depth_m.size).reshape(image.depth_m.shape)
    read = measure(image, replace(IDEAL, quantum_per_m=0.0028), np.random.default_rng(0),
                   near_m=0.3, far_m=4)
    steps = 1 / np.unique(read) / 0.0028
    assert np.abs(steps - np.round(steps)).max() < 1e-2
    assert np.abs(read - image.depth_m).max() <= 0.0028 * 1.2**2 / 2 * 1.01


def test_too_many_objects_for_the_table_are_refused():
    with pytest.raises(ConfigError, match='do not fit'):
        place_discs([0.1] * 40, gap_m=0.01, half_x_m=0.5, half_y_m=0.5,
                    rng=np.random.default_rng(0))
    with pytest.raises(ConfigError, match='at least one'):
        TabletopWorld(())
