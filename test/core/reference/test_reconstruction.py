"""From recordings to models: planar registration, closing the loop, whole bags, and refusals."""

import dataclasses
import json
import math

from helpers.objects import boxes
import numpy as np
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.cli.objects.from_bag import readable
from pointpng_core.errors import FusionError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.reconstruction.surface_errors import aligned, gaps_m, surface_errors
from pointpng_core.io import sample_surface
from pointpng_core.io.bags.writer import write_bag
from pointpng_core.io.object_library import load_library
from pointpng_core.reference.reconstruction.meshing import consistent_surface
from pointpng_core.reference.reconstruction.planar_icp import (
    PlanarTarget,
    SurfacePatch,
    concatenated,
    planar,
    rotation_rad,
)
from pointpng_core.reference.reconstruction.recording import ReconstructedModel, reconstruct_bag
from pointpng_core.reference.reconstruction.turntable import (
    LoopError,
    PlacedView,
    TurntableTracker,
    close_loop,
)
from pointpng_core.reference.reconstruction.views import View
from pointpng_core.simulation.sample_files import CAMERA, write_turntable_bag
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.simulator import DepthSimulator, TurntableConfig
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig

FINE = (0.02, 0.01, 0.006, 0.006)


def patch_of(mesh, count=3000, seed=0):
    points, normals = sample_surface(mesh, count, seed=seed)
    return SurfacePatch(points=points.astype(float), normals=normals.astype(float))


def recorded(tmp_path, frames):
    write_bag(tmp_path / 'bag', frames, topic='/points', frame_id='camera', rate_hz=5.0)
    return tmp_path / 'bag'


def rotating_bag(tmp_path, name, **config):
    write_turntable_bag(tmp_path / 'bag', name, camera=CAMERA, config=TurntableConfig(**config))
    return tmp_path / 'bag'


def errors_of(mesh, name):
    """How far the model is from the true surface, after the best alignment."""
    true = make_object(name).mesh
    return surface_errors(mesh, true, aligned(mesh, true, PoseEstimator()))


@pytest.mark.parametrize('seed', range(4))
def test_a_planar_motion_is_recovered_and_keeps_the_table(seed):
    rng = np.random.default_rng(seed)
    mesh = make_object('drill').mesh
    T = planar(rng.uniform(-0.25, 0.25), rng.uniform(-0.1, 0.1, 2), rng.uniform(-0.01, 0.01, 2))
    fit = PlanarTarget(patch_of(mesh, 8000)).fit(
        patch_of(mesh, seed=5).moved(np.linalg.inv(T)), np.eye(4), tolerances_m=FINE * 3,
        expected_rad=rotation_rad(T))
    np.testing.assert_allclose(fit.T_target_source, T, atol=2e-3)
    np.testing.assert_array_equal(fit.T_target_source[2], [0, 0, 1, 0])
    assert fit.overlap > 0.95
    assert fit.residual_m < 5e-4


def test_an_unobservable_rotation_stays_as_expected():
    observed = {}
    for name in ('bottle', 'mug', 'box'):
        patch = patch_of(make_object(name).mesh, 6000)
        fit = PlanarTarget(patch).fit(patch_of(make_object(name).mesh, seed=3), np.eye(4),
                                      tolerances_m=FINE, expected_rad=0.1)
        observed[name] = fit.rotation_observability
        assert (abs(rotation_rad(fit.T_target_source)) < 0.04) == (name != 'bottle')
    assert observed['bottle'] < 0.01 < 0.03 < observed['mug'] < observed['box'] <= 1


def test_thinning_against_a_naive_loop():
    patch = patch_of(make_object('mug').mesh, 400)
    thin = patch.downsampled(0.02)
    cells, low = {}, patch.points.min(axis=0)
    for point, normal in zip(patch.points, patch.normals):
        cell = tuple(np.floor((point - low) / 0.02).astype(int))
        cells.setdefault(cell, []).append((point, normal))
    naive = sorted(np.mean([p for p, _ in group], axis=0).tolist() for group in cells.values()
                   if np.linalg.norm(np.sum([n for _, n in group], axis=0)) > 0.3 * len(group))
    np.testing.assert_allclose(sorted(thin.points.tolist()), naive, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(thin.normals, axis=1), 1)


def test_drift_of_a_whole_rotation_is_measured_and_distributed():
    """Views all around a body, placed with one degree and a millimetre of drift at the end."""
    mesh = boxes(((0, 0, 0), (0.1, 0.06, 0.05)), ((0, 0, 0.05), (0.02, 0.02, 0.09)))
    body = patch_of(mesh, 6000)
    drift, count = math.radians(1.0), 37
    angles = np.linspace(0, 2 * math.pi, count)
    placed = []
    for share, angle in zip(np.linspace(0, 1, count), angles):
        seen = body.moved(planar(-angle, np.zeros(2)))
        wrong = planar(share * drift, np.zeros(2), share * np.array([1e-3, 0]))
        placed.append(PlacedView(
            view=View(time_s=angle, patch=seen, camera=np.zeros(3)), fit=None,
            T_object_table=wrong @ planar(angle, np.zeros(2)), rotation_rad=angle + share * drift))
    closed, error = close_loop(placed)
    assert error.rotation_deg == pytest.approx(1.0, abs=0.25)  # the views compared drift, too
    for view, angle in zip(closed, angles):
        off = view.T_object_table @ np.linalg.inv(planar(angle, np.zeros(2)))
        assert abs(rotation_rad(off)) < 0.25 * drift
    assert close_loop(placed[:18])[1] is None


def test_flying_pixels_of_one_view_are_left_out():
    body = patch_of(make_object('box').mesh, 4000)
    stray = SurfacePatch(points=body.points[:50] + np.array([0.05, 0, 0.1]),
                         normals=body.normals[:50])
    kept = consistent_surface([body, body, body, concatenated([body, stray])])
    gaps = gaps_m(make_object('box').mesh, kept.points)
    assert gaps.max() < 0.004
    assert len(kept.points) > 0.9 * 4 * len(body.points)


def test_a_rotating_drill_becomes_a_model_by_the_command(tmp_path):
    bag, library = rotating_bag(tmp_path, 'drill', frames=18, seed=4), tmp_path / 'cell'
    code = cli.main(['objects', 'from-bag', str(bag), '--name', 'drill', '--library',
                     str(library), '--json', str(tmp_path / 'out.json')])
    result = json.loads((tmp_path / 'out.json').read_text())
    assert code == 0
    assert (result['clouds'], result['refused'], result['unusable']) == (18, 0, 0)
    assert 330 < result['rotation_deg'] < 360
    assert result['loop']['rotation_deg'] < 5
    (model,) = load_library(library)
    errors = errors_of(model.model, 'drill')
    assert errors.mean_m < 0.0006
    assert errors.completeness > 0.75
    low, high = model.points.min(axis=0), model.points.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-4)
    assert 0 <= low[2] < 0.01


def test_a_camera_carried_around_one_of_two_objects(tmp_path):
    """`near` takes the smaller one; it stands still, the camera goes around it."""
    world = TabletopWorld(['hammer', 'box'], config=WorldConfig(
        seed=3, slide_m=0, spin_deg_s=0, lying_share=0, camera_swing_deg=180, camera_nod_deg=0,
        camera_period_s=4.0, camera_distance_m=0.7))
    simulator = DepthSimulator(world, camera=CAMERA)
    # From a quarter of the period before the middle to one after it is once around, evenly.
    times_s = (2 / math.pi) * np.arcsin(np.linspace(-1, 1, 30))
    frames = [simulator.frame(k + 1, rate_hz=(k + 1) / time_s)
              for k, time_s in enumerate(times_s)]
    place = frames[0].points[frames[0].owner == 0]
    near = np.nanmean(place, axis=0).astype(float)
    model = reconstruct_bag(recorded(tmp_path, (frame.points for frame in frames)), near=near)
    assert errors_of(model.mesh, 'hammer').mean_m < 0.0015
    assert model.widest_gap_deg < 40


@pytest.mark.parametrize(('name', 'config', 'message'), [
    ('bottle', {'frames': 12}, 'looks the same from all sides'),
    ('drill', {'frames': 10, 'rotation_deg': 700}, 'moved too far between two clouds'),
    ('box', {'frames': 10, 'rotation_deg': 90}, r'of 360 degrees were seen'),
])
def test_a_recording_that_makes_no_model_says_why(tmp_path, name, config, message):
    with pytest.raises(FusionError, match=message):
        reconstruct_bag(rotating_bag(tmp_path, name, **config))


def test_clouds_without_an_object_are_named(tmp_path):
    empty = np.full((20, 30, 3), np.nan, np.float32)
    few = np.zeros((20, 30, 3), np.float32)
    with pytest.raises(FusionError, match='0 of 3 clouds show an object on a table'):
        reconstruct_bag(recorded(tmp_path, [empty, few, empty]))


def test_a_report_warns_of_whatever_may_have_gone_wrong():
    good = ReconstructedModel(
        mesh=boxes(((0, 0, 0), (0.1, 0.1, 0.1))), clouds=30, used=24, still=3, refused=2,
        unusable=1, reasons={'no table is seen': 1}, rotation_deg=350.0, widest_gap_deg=12.0,
        observable_share=1.0, residual_m=7e-4, damage='',
        loop=LoopError(rotation_deg=0.5, shift_m=1e-3))
    lines = readable(good).splitlines()
    assert lines[0] == '30 clouds: 24 used, 3 show nothing new, 2 do not fit, 1 not usable'
    assert [line for line in lines if 'note' in line] == ['  note      1 times: no table is seen']
    assert '0.5 degrees and 1.0 mm' in readable(good)
    for change, words in (({'loop': None}, 'not closed'), ({'damage': 'cut short'}, 'cut short'),
                          ({'loop': LoopError(rotation_deg=9, shift_m=0)}, 'closed badly'),
                          ({'observable_share': 0.6}, '40 % of the clouds the rotation is not')):
        assert words in readable(dataclasses.replace(good, **change))
        assert words not in readable(good)


def test_views_of_one_time_do_no_harm():
    patch = patch_of(make_object('drill').mesh, 3000)
    tracker = TurntableTracker()
    for angle in (0.0, 0.1, 0.2, 0.3):
        tracker.add(View(time_s=1.0, patch=patch.moved(planar(-angle, np.zeros(2))),
                         camera=np.zeros(3)))
    angles = [view.rotation_rad for view in tracker.placed]
    assert angles == pytest.approx([0.0, 0.1, 0.2, 0.3], abs=0.005)


def test_a_taken_name_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / 'objects.yaml').write_text('objects: [{name: drill, file: drill.ply}]')
    assert cli.main(['objects', 'from-bag', str(tmp_path / 'no_bag'), '--name', 'drill',
                     '--library', str(tmp_path)]) == 2
    assert "has an object 'drill' already" in capsys.readouterr().err
