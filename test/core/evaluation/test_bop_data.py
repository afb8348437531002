"""The shared BOP frames: true poses, depth and masks are one scene, rendered models say so too."""

import os
from pathlib import Path

import numpy as np
import pytest

from pointpng_core.evaluation.pose.bop_judge import PoseJudge
from pointpng_core.evaluation.pose.bop_recall import average_recall
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.io.bop import BopDataset

DATA = Path(os.environ.get('POINTPNG_DATA', Path(__file__).parents[4] / 'shared' / 'data'))
FRAMES = 2


def opened(name):
    folder = DATA / 'bop' / name
    if not folder.exists():
        pytest.skip(f'no {folder}: set POINTPNG_DATA to the folder of the shared data sets')
    return BopDataset(folder)


@pytest.mark.data
@pytest.mark.parametrize(('name', 'near_m'), [('clutter', 0.003), ('ycb', 0.006)])
def test_masked_points_lie_on_the_models_at_their_true_poses(name, near_m):
    from scipy.spatial import cKDTree
    dataset = opened(name)
    trees = {item.object_id: cKDTree(item.points) for item in dataset.objects()}
    distances = []
    for frame in list(dataset.frames([1]))[:FRAMES]:
        depth_m = frame.depth_m()
        for index, instance in enumerate(frame.instances):
            cloud = PointCloud.from_depth(depth_m, frame.camera, mask=frame.mask_visible(index))
            points = cloud.points[np.isfinite(cloud.points).all(axis=1)]
            T = np.linalg.inv(instance.T_camera_object)
            distances.append(np.median(trees[instance.object_id].query(
                points @ T[:3, :3].T + T[:3, 3])[0]))
    assert len(distances) >= 8
    assert max(distances) < near_m


@pytest.mark.data
def test_true_poses_have_no_error_and_shifted_ones_have():
    dataset = opened('clutter')
    frame = next(dataset.frames([3]))
    items = {item.object_id: item for item in dataset.objects()}
    shift = np.eye(4)
    shift[:3, 3] = 0.1, 0, 0
    pairs = {True: [], False: []}
    for instance in frame.instances[:4]:
        item = items[instance.object_id]
        judge = PoseJudge(item.mesh, diameter_m=item.diameter_m, symmetries=item.transforms())
        T = instance.T_camera_object[None]
        for right, estimate in ((True, T), (False, shift @ T)):
            pairs[right].append(judge.errors(
                estimate, np.ones(1), T, np.ones(1, dtype=bool), depth_m=frame.depth_m(),
                camera=frame.camera))
    assert average_recall(pairs[True]).average == pytest.approx(1)
    assert average_recall(pairs[False]).average < 0.2
