"""`pointpng evaluate fusion` and its parts: surface errors, and poses with models."""

from types import SimpleNamespace

from helpers.evaluation import documented, evaluated
from helpers.objects import boxes, pose, random_rotation_matrix
import numpy as np
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.reconstruction.pose_counts import (
    ModelUnderTest,
    PoseCounts,
    count_posed,
)
from pointpng_core.evaluation.reconstruction.surface_errors import aligned, surface_errors
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.io import TriangleMesh
from pointpng_core.simulation.shapes.catalogue import make_object

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('POINTPNG_CACHE', str(tmp_path / 'cache'))


def moved(mesh, T, scale=1.0):
    return TriangleMesh(vertices=transform(T, scale * mesh.vertices), faces=mesh.faces)


def test_distances_of_a_shifted_box_are_those_by_hand():
    """Top and bottom are 2 mm off; the sides stick out as much as the rim below is nearer."""
    cube = boxes(((0, 0, 0), (0.1, 0.1, 0.1)))
    same = surface_errors(cube, cube, np.eye(4))
    assert same.p95_m < 1e-6
    assert (same.completeness, same.completeness_above_table) == (1.0, 1.0)
    shifted = surface_errors(moved(cube, pose(t=(0, 0, 0.002))), cube, np.eye(4))
    assert shifted.mean_m == pytest.approx(2 / 6 * 0.002, rel=0.01)
    assert shifted.p95_m == pytest.approx(0.002, rel=0.01)
    assert surface_errors(moved(cube, pose(t=(0, 0, 0.002))), cube,
                          pose(t=(0, 0, 0.002))).p95_m < 1e-6


def test_a_missing_bottom_lowers_the_completeness_but_not_that_above_the_table():
    true = boxes(((0, 0, 0), (0.1, 0.1, 0.1)))
    model = boxes(((0, 0, 0.009), (0.1, 0.1, 0.1)))
    model = TriangleMesh(vertices=model.vertices,
                         faces=model.faces[model.vertices[model.faces][..., 2].max(axis=1) > 0.05])
    upside_down = pose(np.diag([1.0, -1.0, -1.0]), (0, 0.1, 0.1))
    for T_model_true in (np.eye(4), upside_down):
        errors = surface_errors(model, true, T_model_true)
        # Only the rim of the bottom is near; 6 mm of the sides are too low.
        assert errors.completeness == pytest.approx((1 + 4 * 0.94) / 6, abs=0.01)
        assert errors.completeness_above_table == 1.0


def test_the_alignment_takes_away_a_motion_but_not_a_wrong_size():
    drill, T = make_object('drill').mesh, pose(random_rotation_matrix(2), (0.1, -0.2, 0.7))
    estimator = PoseEstimator()
    model, larger = moved(drill, T), moved(drill, T, scale=1.04)
    found = aligned(model, drill, estimator)
    np.testing.assert_allclose(found, T, atol=2e-3)
    true, wrong = (surface_errors(mesh, drill, aligned(mesh, drill, estimator))
                   for mesh in (model, larger))
    assert true.mean_m < 0.0002
    assert wrong.mean_m > 5 * true.mean_m


def detection(T):
    return SimpleNamespace(estimate=SimpleNamespace(T_observation_reference=T))


def test_a_pose_with_a_model_is_judged_by_the_pose_of_the_true_object():
    T_model_true = pose(random_rotation_matrix(3), (0.2, 0, 0))
    T_camera_true = pose(random_rotation_matrix(4), (0, 0, 1))
    drill = make_object('drill')
    model = ModelUnderTest(true=drill, mesh=drill.mesh, T_model_true=T_model_true)
    right = T_camera_true @ np.linalg.inv(T_model_true)
    assert model.poses(detection(right), T_camera_true)
    assert not model.poses(detection(T_camera_true), T_camera_true)
    for shift_m, expected in ((0.004, True), (0.006, False)):
        off = pose(t=(shift_m, 0, 0)) @ right
        assert model.poses(detection(off), T_camera_true) == expected


def test_right_wrong_and_mistaken_on_one_table():
    """The hammer's model is declared a centimetre off; the model named bowl is a can."""
    T, beside = pose(t=(0.05, 0.02, -0.01)), pose(t=(0.06, 0.02, -0.01))
    counts = count_posed(PoseEstimator(), [
        ModelUnderTest(true=make_object(name), mesh=moved(make_object(mesh).mesh, T),
                       T_model_true=said)
        for name, mesh, said in (('drill', 'drill', T), ('hammer', 'hammer', beside),
                                 ('bowl', 'can', T))], scenes=1, seed=0)
    assert counts == {'drill': PoseCounts(seen=1, posed=1), 'hammer': PoseCounts(seen=1, wrong=1),
                      'bowl': PoseCounts(mistaken=1)}


def test_a_recorded_drill_is_compared_and_posed(tmp_path, capsys):
    result, table = evaluated(tmp_path, capsys, 'fusion', '--objects', 'drill', '--clouds', 12,
                              '--scenes', 1)
    part = result['objects']['drill']
    assert set(result) | set(part) | set(part['loop']) | set(part['fused']) <= documented('fusion')
    assert 0 < part['mean_m'] < 0.0006
    assert part['mean_m'] < part['p95_m'] < 0.0015
    assert 0.7 < part['completeness'] < part['completeness_above_table'] <= 1.0
    assert part['fused']['posed'] == part['true']['posed'] == part['true']['seen'] == 1
    assert [line.split()[0] for line in table.splitlines()] == ['object', 'drill', '12']


def test_a_recording_without_a_model_is_reported_with_its_reason(tmp_path, capsys):
    result, table = evaluated(tmp_path, capsys, 'fusion', '--objects', 'can', '--clouds', 1)
    assert set(result['objects']['can']) == {'refused'} <= documented('fusion')
    assert 'can: refused, 1 of 1 clouds show an object' in table


@pytest.mark.parametrize(('words', 'message'), [
    (['--objects', 'gun'], "no object 'gun' in the catalogue"),
    (['--scenes', '-1'], '--scenes -1: must be at least 0'),
    (['--seed', '-1'], '--seed -1: must be at least 0')])
def test_mistakes_are_refused(capsys, words, message):
    assert cli.main(['evaluate', 'fusion', *words]) == 2
    assert message in capsys.readouterr().err
