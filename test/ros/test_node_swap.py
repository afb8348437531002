"""The real node: library and model replaced while it runs, poses relative to the cloud before."""

from itertools import pairwise

from harness import wait_until
import numpy as np
from test_node import Rig, poses_of, values_of
from test_node_control import change
from test_node_real import cloud, frame, node

from pointpng_core.simulation.catalogue_library import write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator
from pointpng_core.simulation.tabletop import TabletopWorld
from pointpng_ros.messages.pose_messages import matrix_from_transform

__all__ = ['frame']     # the fixture


def poses(rig, frame, second):
    return {pose.child_frame_id: matrix_from_transform(pose.transform)
            for pose in poses_of(rig, cloud(frame, second))}


def test_library_and_model_are_replaced_and_the_mug_stays_tracked(observer, frame, tmp_path):
    small, large = tmp_path / 'small', tmp_path / 'large'
    write_catalogue(small, ('mug',))
    write_catalogue(large, ('mug', 'drill'))
    rig = Rig(observer)
    with node(f'objects:={small}', f'cache_dir:={tmp_path / "cache"}') as process:
        process.wait_for_output('references: mug')
        rig.connect()
        before = poses(rig, frame, 1)
        assert list(before) == ['mug_0']
        assert 'is not a folder' in change(rig, objects=f'{tmp_path / "gone"}').reason
        assert 'did you mean' in change(rig, model='training_fre').reason
        assert 'cuda:99' in change(rig, device='cuda:99').reason
        assert change(rig, objects=f'{large}').successful
        after = poses(rig, frame, 2)
        assert set(after) == {'mug_0', 'drill_0'}
        np.testing.assert_allclose(after['mug_0'], before['mug_0'], atol=0.02)
        wait_until(lambda: 'age 2 frames' in values_of(rig.diagnostics[-1].status[1]).get(
            'mug_0', ''), what='the mug being followed on')
        assert change(rig, model='training_free').successful
        assert set(poses(rig, frame, 3)) == {'mug_0', 'drill_0'}
        assert change(rig, objects='').successful
        assert sorted(poses(rig, frame, 4)) == ['object_0_0', 'object_1_0']
        rig.status(lambda state: {'processed': '4', 'failed': '0'}.items()
                   <= values_of(state).items())
    assert 'Traceback' not in process.output


def test_the_cloud_before_is_the_reference(observer):
    simulator, rig = DepthSimulator(TabletopWorld(('mug', 'drill'))), Rig(observer)
    frames = [simulator.frame(index, rate_hz=10.0) for index in range(3)]
    with node('reference:=previous_frame', "cache_dir:=''") as process:
        process.wait_for_output('listening on')
        rig.connect()
        assert poses(rig, frames[0], 1) == {}
        for second, (before, now) in enumerate(pairwise(frames), start=2):
            found = poses(rig, now, second)
            assert sorted(found) == ['object_0_0', 'object_1_0']
            moved = [T.T_camera_object @ np.linalg.inv(T_before.T_camera_object)
                     for T_before, T in zip(before.truths, now.truths)]
            for T in found.values():
                assert min(rotated_deg(T, T_move) for T_move in moved) < 4


def rotated_deg(T, T_true):
    cosine = (np.trace(T[:3, :3].T @ T_true[:3, :3]) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
