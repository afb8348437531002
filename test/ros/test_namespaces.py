"""Two nodes side by side, as launch/two_cameras.launch.py starts them: nothing of theirs mixes."""

from geometry_msgs.msg import TransformStamped
from harness import RosProcess, wait_until
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import Trigger
from test_node import STUB, cloud

from pointpng_ros.inputs.cloud_topics import cloud_qos


def node_in(space):
    return RosProcess(STUB, '--ros-args', '-r', f'__ns:=/{space}',
                      '-p', f'cloud_topic:=/{space}/points', '-p', f'frame_prefix:={space}_')


def test_nodes_in_two_namespaces_share_no_topic_service_or_child_frame(observer):
    spaces = ('left', 'right')
    poses = {space: observer.collect(TransformStamped, f'/{space}/pointpng/pose')
             for space in spaces}
    without_namespace = observer.collect(TransformStamped, '/pointpng/pose')
    clouds = {space: observer.node.create_publisher(PointCloud2, f'/{space}/points',
                                                    cloud_qos('reliable')) for space in spaces}

    def posed():
        for space, publisher in clouds.items():
            publisher.publish(cloud(0, frame=f'{space}_lens'))
        return all(poses.values())

    with node_in('left'), node_in('right'):
        wait_until(posed, what='poses of both')
        for space in spaces:
            assert {pose.child_frame_id for pose in poses[space]} == {f'{space}_object_0_0'}
            assert {pose.header.frame_id for pose in poses[space]} == {f'{space}_lens'}
            assert observer.call(Trigger, f'/{space}/pose_estimator/reset').success
    assert not without_namespace
