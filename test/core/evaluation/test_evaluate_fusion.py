"""`pointpng evaluate fusion` and its parts: distances off a surface, and poses by a stand-in."""

from types import SimpleNamespace

from helpers.evaluation import documented, evaluated
from helpers.objects import boxes, pose, random_rotation_matrix
import numpy as np
import pytest

from pointpng_core.cli import main as cli
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.pose.metrics import transform
from pointpng_core.evaluation.reconstruction.pose_counts import (
    ModelUnderTest,
    PoseCounts,
    count_posed,
)
from pointpng_core.evaluation.reconstruction.surface_errors import aligned, surface_errors
from pointpng_core.io import TriangleMesh
from pointpng_core.simulation.shapes.catalogue import make_object


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
    assert (same.there, same.completeness_above_table) == (1.0, 1.0)
    shifted = surface_errors(moved(cube, pose(t=(0, 0, 0.002))), cube, np.eye(4))
    assert shifted.mean_m == pytest.approx(2 / 6 * 0.002, rel=0.01)
    assert shifted.p95_m == pytest.approx(0.002, rel=0.01)
    assert surface_errors(moved(cube, pose(t=(0, 0, 0.002))), cube,
                          pose(t=(0, 0, 0.002))).p95_m < 1e-6


def test_what_is_missing_at_the_bottom_is_missing_of_all_but_not_above():
    true = boxes(((0, 0, 0), (0.1, 0.1, 0.1)))
    model = boxes(((0, 0, 0.009), (0.1, 0.1, 0.1)))
    model = TriangleMesh(vertices=model.vertices,
                         faces=model.faces[model.vertices[model.faces][..., 2].max(axis=1) > 0.05])
    upside_down = pose(np.diag([1.0, -1.0, -1.0]), (0, 0.1, 0.1))
    for T_model_true in (np.eye(4), upside_down):
        errors = surface_errors(model, true, T_model_true)
        # Of the bottom nothing is near but the rim; of the sides 6 mm are too low.
        assert errors.there == pytest.approx((1 + 4 * 0.94) / 6, abs=0.01)
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


def test_a_pose_by_a_model_is_judged_by_where_it_puts_the_object():
    T_model_true = pose(random_rotation_matrix(3), (0.2, 0, 0))
    T_camera_true = pose(random_rotation_matrix(4), (0, 0, 1))
    drill = make_object('drill')
    stand_in = ModelUnderTest(thing=drill, mesh=drill.mesh, T_model_true=T_model_true)
    right = T_camera_true @ np.linalg.inv(T_model_true)
    assert stand_in.poses(detection(right), T_camera_true)
    assert not stand_in.poses(detection(T_camera_true), T_camera_true)
    for shift_m, expected in ((0.004, True), (0.006, False)):
        off = pose(t=(shift_m, 0, 0)) @ right
        assert stand_in.poses(detection(off), T_camera_true) == expected


def test_right_wrong_and_mistaken_on_one_table():
    """The hammer's model is said to be a centimetre beside; what is called a bowl is a can."""
    T, beside = pose(t=(0.05, 0.02, -0.01)), pose(t=(0.06, 0.02, -0.01))
    counts = count_posed(PoseEstimator(), [
        ModelUnderTest(thing=make_object(name), mesh=moved(make_object(mesh).mesh, T), T_model_true=said)
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
    assert 0.7 < part['there'] < part['completeness_above_table'] <= 1.0
    assert part['fused']['posed'] == part['true']['posed'] == part['true']['seen'] == 1
    assert [line.split()[0] for line in table.splitlines()] == ['object', 'drill', '12']


def test_what_makes_no_model_is_told_with_its_reason(tmp_path, capsys):
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
