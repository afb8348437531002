"""The baselines find an object in its own view, alone and in front of a table."""

import sys

from helpers.bop_frames import write_frames
from helpers.objects import pose, random_rotation_matrix, view, whole
from helpers.tracking import shoot, standing
import numpy as np
import pytest

from pointpng_core.errors import MissingDependencyError
from pointpng_core.evaluation.frames.baseline_clouds import (
    Verifier,
    cloud_of,
    model_cloud,
    view_cloud,
    without_plane,
)
from pointpng_core.evaluation.frames.baseline_runs import run_baselines
from pointpng_core.evaluation.frames.benchmark import FrameSource
from pointpng_core.evaluation.frames.feature_matching import FeatureMatching
from pointpng_core.evaluation.frames.library import ModelLibrary
from pointpng_core.evaluation.frames.point_pair_features import PointPairFeatures
from pointpng_core.evaluation.frames.surface import Surface
from pointpng_core.geometry.clouds import diameter_m
from pointpng_core.io.bop import BopDataset
from pointpng_core.simulation.shapes.catalogue import make_object

MESH = make_object('drill').mesh
DIAMETER_M = diameter_m(whole('drill', 4000))
SURFACE = Surface(MESH, DIAMETER_M)
T_TRUE = pose(random_rotation_matrix(8), (0.05, -0.02, 0.6))


@pytest.fixture(params=['ppf', 'fpfh'])
def detector(request):
    if request.param == 'fpfh':
        return FeatureMatching()
    pytest.importorskip('cv2.ppf_match_3d')
    return PointPairFeatures(0.1)


def test_a_view_of_the_object_is_posed(detector):
    points = view(MESH, T_TRUE, noise=0.3, seed=2)
    found = detector.poses(detector.prepare(MESH, DIAMETER_M), points, 1)
    assert len(found) == 1
    T, score = found[0]
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1.0, abs=1e-6)
    assert SURFACE.add_s(T, T_TRUE) < 0.05
    assert score > 0.4


def test_two_instances_are_two_poses(detector):
    T_other = pose(random_rotation_matrix(9), (-0.35, 0.05, 0.7))
    points = np.concatenate([view(MESH, T_TRUE), view(MESH, T_other)])
    found = detector.poses(detector.prepare(MESH, DIAMETER_M), points, 2)
    errors = [min(SURFACE.add_s(T, true) for T, _ in found) for true in (T_TRUE, T_other)]
    assert max(errors) < 0.05


def test_the_dominant_plane_and_what_is_behind_it_are_removed():
    points = shoot([standing('drill', 0.0, 0.0)])
    points = points[np.isfinite(points).all(axis=1)]
    behind = np.tile([[0.0, 0.3, 1.9]], (50, 1)).astype(np.float32)
    left = without_plane(np.concatenate([points, behind]))
    assert 0.02 < len(left) / len(points) < 0.3
    assert left[:, 2].max() < 1.5


def test_the_true_pose_scores_best_and_is_kept_once():
    view_points = view_cloud(view(MESH, T_TRUE), 0.004)
    verifier = Verifier(model=model_cloud(MESH), view=view_points, diameter_m=DIAMETER_M)
    near, away = T_TRUE.copy(), T_TRUE.copy()
    near[:3, 3] += 0.004
    away[:3, 3] += 0.06
    assert verifier.score(T_TRUE) > 0.9 > verifier.score(away)
    assert SURFACE.add_s(verifier.refined(near), T_TRUE) < SURFACE.add_s(near, T_TRUE)
    assert len(verifier.best([near, T_TRUE], 2)) == 1


def test_normals_of_models_point_outwards_with_and_without_faces():
    for model in (MESH, whole('can', 3000)):
        cloud = model_cloud(model)
        outwards = np.asarray(cloud.points) - cloud.get_center()
        agreeing = ((outwards * np.asarray(cloud.normals)).sum(axis=1) > 0).mean()
        assert agreeing > 0.75
    assert len(cloud_of(np.zeros((0, 3))).points) == 0


def test_without_opencv_the_answer_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv2', None)
    with pytest.raises(MissingDependencyError, match='bench'):
        PointPairFeatures(0.1)


@pytest.mark.long
def test_all_baselines_on_a_dataset(tmp_path, estimator, monkeypatch):
    pytest.importorskip('cv2.ppf_match_3d')
    monkeypatch.setattr('pointpng_core.evaluation.frames.baseline_runs.STEPS', (0.1,))
    dataset = BopDataset(write_frames(tmp_path / 'rendered'))
    library = ModelLibrary(dataset.objects(), estimator)
    result = run_baselines(FrameSource(dataset=dataset, scene_ids=(1,)), library, estimator,
                           whole_frames=None, per_scene=1)
    names = ['open3d_fpfh_ransac_icp', 'opencv_ppf_.1']
    assert (result['frames'], result['objects']) == (1, 2)
    assert list(result['masks']) == ['pointpng', *names]
    assert list(result['whole_frames']) == names
    assert result['masks']['pointpng']['recall'] == 1.0
    for kind in ('masks', 'whole_frames'):
        for row in result[kind].values():
            assert row['objects'] == 2
            assert round(row['recall'] * 2) + row['false'] <= 2
