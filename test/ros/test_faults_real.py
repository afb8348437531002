"""Faults under the real node: frames with holes, a bag that restarts, a vanishing library."""

from dataclasses import replace
import shutil

from harness import wait_until
import numpy as np
import pytest
from test_node import Rig, poses_of, values_of
from test_node_control import change
from test_node_real import NAMES, cloud, node

from pointpng_core.simulation.sample_files import write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld
from pointpng_ros.messages.pose_messages import matrix_from_transform

BLOCK_PX = 32
OFF_M = 0.01


@pytest.fixture(scope='module')
def frames():
    simulator = DepthSimulator(TabletopWorld(NAMES))
    return [simulator.frame(index, rate_hz=10.0) for index in range(3)]


def with_holes(frame, lost):
    """The frame without a reading where `lost` (H, W) says so."""
    points = frame.points.copy()
    points[lost] = np.nan
    return replace(frame, points=points)


def blocks(share, shape, seed=0):
    """Whole squares of pixels (H, W), so many of all."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((shape[0] // BLOCK_PX, shape[1] // BLOCK_PX)) < share
    return np.kron(coarse, np.ones((BLOCK_PX, BLOCK_PX), bool))


class Judge:
    """Sends frames of the simulator to the node; no pose may lie where there is no such object."""

    def __init__(self, rig):
        self.rig = rig

    def names(self, frame, second):
        truths = {truth.frame: truth.T_camera_object for truth in frame.truths}
        poses = poses_of(self.rig, cloud(frame, second))
        for pose in poses:
            T_camera_object = matrix_from_transform(pose.transform)
            truth = truths[pose.child_frame_id]
            assert np.linalg.norm(T_camera_object[:3, 3] - truth[:3, 3]) < OFF_M
        return {pose.child_frame_id for pose in poses}


def test_holes_and_a_bag_that_restarts(observer, frames, tmp_path):
    write_catalogue(tmp_path / 'objects', NAMES)
    height, width = frames[0].points.shape[:2]
    drill = next(truth for truth in frames[1].truths if truth.label == 'drill')
    beside = frames[1].points[..., 0] < drill.T_camera_object[0, 3] - 0.1
    both, rig = {'mug_0', 'drill_0'}, Rig(observer)
    judge = Judge(rig)
    with node(f'objects:={tmp_path / "objects"}', f'cache_dir:={tmp_path / "cache"}') as process:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        assert judge.names(frames[0], 100) == both
        assert judge.names(with_holes(frames[1], beside), 101) == {'drill_0'}
        for seed, share in enumerate((0.2, 0.5, 0.8)):
            holes = blocks(share, (height, width), seed)
            assert judge.names(with_holes(frames[1], holes), 102 + seed) <= both
        assert judge.names(frames[2], 105) == both
        assert judge.names(frames[0], 100) == both       # the same stamp as at first
        values = values_of(rig.status(lambda state: values_of(state)['processed'] == '7'))
        assert (values['failed'], values['refused']) == ('0', '0')
    assert 'Traceback' not in process.output


def test_a_library_that_is_deleted_under_the_node(observer, frames, tmp_path):
    folder, aside = tmp_path / 'objects', tmp_path / 'aside'
    write_catalogue(folder, NAMES)
    both, rig = {'mug_0', 'drill_0'}, Rig(observer)
    judge = Judge(rig)
    with node(f'objects:={folder}', f'cache_dir:={tmp_path / "cache"}') as process:
        process.wait_for_output('references: mug, drill')
        rig.connect()
        assert judge.names(frames[0], 1) == both
        shutil.copytree(folder, aside)
        (folder / 'mug.ply').unlink()
        assert judge.names(frames[1], 2) == both
        refused = change(rig, estimator__sample=1000)
        assert 'mug.ply' in refused.reason
        shutil.rmtree(folder)
        assert 'is not a folder' in change(rig, estimator__sample=1000).reason
        assert judge.names(frames[1], 3) == both
        aside.rename(folder)
        assert change(rig, estimator__sample=1000).successful
        wait_until(lambda: 'model or library replaced' in process.output, what='the replacement')
        assert judge.names(frames[2], 4) == both
    assert 'Traceback' not in process.output
