"""sim_camera as a process: its clouds and true poses belong together, over real DDS."""

from itertools import islice

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2 (pip install the extra [ros])')
from geometry_msgs.msg import TransformStamped
from harness import RosProcess, wait_until
import open3d as o3d
from sensor_msgs.msg import PointCloud2

from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.object_library import load_library
from pointpng_core.simulation.piles import pile_of
from pointpng_core.simulation.shapes.catalogue import make_object, object_names
from pointpng_ros.messages.pose_messages import matrix_from_transform
from pointpng_ros.nodes import sim_camera
from pointpng_ros.parameters.parameter_specs import parameter_table

CAMERA = ('-m', 'pointpng_ros.nodes.sim_camera', '--ros-args', '-p', 'objects:=mug,can,can', '-p',
          'noise:=0.0', '-p', 'camera.width:=320', '-p', 'camera.height:=240', '-p',
          'camera.fx:=262.5', '-p', 'camera.fy:=262.5', '-p', 'camera.cx:=159.5', '-p',
          'camera.cy:=119.5')


def stamp(message):
    return message.header.stamp.sec, message.header.stamp.nanosec


def test_clouds_and_true_poses_belong_together(observer):
    clouds = observer.collect(PointCloud2, '/camera/depth/points')
    truths = observer.collect(TransformStamped, '/pointpng/ground_truth')
    with RosProcess(*CAMERA):
        def complete():
            for cloud in clouds:
                together = [truth for truth in truths if stamp(truth) == stamp(cloud)]
                if len(together) == 3:
                    return cloud, together
            return None
        cloud, together = wait_until(complete, what='a cloud with its three truths', timeout_s=60)
    assert cloud.header.frame_id == 'camera_optical_frame'
    assert sorted(truth.child_frame_id for truth in together) == ['can_0', 'can_1', 'mug_0']
    decoded = decode_cloud(cloud)
    assert decoded.image_shape == (240, 320)
    for truth in together:
        assert truth.header == cloud.header
        assert share_on_surface(decoded.points, truth) > 200


def share_on_surface(points, truth):
    """How many points lie within 1 mm of the object at its true pose."""
    mesh = make_object(truth.child_frame_id.rpartition('_')[0]).mesh
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices),
                        o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    T = matrix_from_transform(truth.transform)
    points = points[np.isfinite(points[:, 0])]
    moved = ((points - T[:3, 3]) @ T[:3, :3]).astype(np.float32)
    return (scene.compute_distance(o3d.core.Tensor(moved)).numpy() < 1e-3).sum()


def test_an_unknown_object_is_refused_with_the_choices(domain):
    with RosProcess(*CAMERA, '-p', 'objects:=teapot') as node:
        assert node.wait(timeout_s=60) == 1
        assert "'teapot'" in node.output
        assert 'Traceback' not in node.output


def test_clutter_is_shown_and_has_objects_of_its_own(observer):
    clutter = ['scene:=clutter' if word == 'objects:=mug,can,can' else word for word in CAMERA]
    truths = observer.collect(TransformStamped, '/pointpng/ground_truth')
    hidden = observer.collect(TransformStamped, '/pointpng/ground_truth_hidden')
    names = {f'{name}_0' for name, _ in pile_of(0)}
    with RosProcess(*clutter, '-p', 'hidden_topic:=/pointpng/ground_truth_hidden'):
        wait_until(lambda: {each.child_frame_id for each in truths + hidden} == names,
                   what='the true poses of the pile', timeout_s=60)
    with RosProcess(*CAMERA, '-p', 'scene:=clutter') as node:
        assert node.wait(timeout_s=60) == 1
        assert 'the scene clutter has objects of its own' in node.output


def test_the_library_it_writes_is_the_catalogue(tmp_path, capsys):
    assert sim_camera.main(['--write-library', str(tmp_path / 'objects')]) == 0
    models = {model.name: model for model in load_library(tmp_path / 'objects')}
    assert tuple(models) == object_names()
    assert 'mug' in capsys.readouterr().out
    for name, model in models.items():
        expected = make_object(name)
        np.testing.assert_allclose(model.model.vertices, expected.mesh.vertices, atol=1e-6)
        assert model.symmetry == expected.symmetry


def test_a_library_that_cannot_be_written_is_an_error(tmp_path, capsys):
    (tmp_path / 'objects').write_text('a file in the way')
    assert sim_camera.main(['--write-library', str(tmp_path / 'objects')]) == 1
    assert 'objects' in capsys.readouterr().err


@pytest.mark.parametrize(('count', 'shown'), [
    (1, [0, 0, 0]), (2, [0, 1, 0, 1]), (4, [0, 1, 2, 3, 2, 1, 0, 1])])
def test_prepared_frames_go_forwards_and_backwards(count, shown):
    assert list(islice(sim_camera.forwards_and_backwards(range(count)), len(shown))) == shown


def test_every_parameter_is_described():
    table = parameter_table(sim_camera.sim_camera_groups())
    for name in ('rate_hz', 'scene', 'objects', 'noise', 'min_visible_share', 'world.seed',
                 'camera.width', 'sensor.axial_m'):
        assert f'`{name}`' in table
