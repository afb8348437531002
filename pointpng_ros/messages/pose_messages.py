"""Poses to geometry messages and back; every header is the one given."""

from collections.abc import Sequence

from geometry_msgs.msg import Point, Pose, Quaternion, Transform, TransformStamped, Vector3
import numpy as np
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header, String

from pointpng_ros.messages.posed_objects import LabelledPose, NamedPose, PosedObject


def transform_of(posed: NamedPose, header: Header) -> TransformStamped:
    """Return the transform that maps points of the child frame LABEL_INDEX into the header's."""
    x, y, z = posed.position_m
    qx, qy, qz, qw = posed.quat_xyzw
    return TransformStamped(
        header=header, child_frame_id=posed.child_frame,
        transform=Transform(translation=Vector3(x=x, y=y, z=z),
                            rotation=Quaternion(x=qx, y=qy, z=qz, w=qw)))


def label_of(posed: LabelledPose) -> String:
    """Return the class label."""
    return String(data=posed.label)


def pose_of(posed: LabelledPose) -> Pose:
    """Return position and orientation as a geometry_msgs/Pose."""
    x, y, z = posed.position_m
    qx, qy, qz, qw = posed.quat_xyzw
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def box_pose_of(posed: PosedObject) -> Pose:
    """Return the centre of an object's box in the published frame, rotated as the object."""
    pose, T = pose_of(posed), posed.T_frame_object
    centre = T[:3, :3] @ posed.box[0] + T[:3, 3]
    pose.position.x, pose.position.y, pose.position.z = centre.tolist()
    return pose


def matrix_from_transform(transform: Transform) -> np.ndarray:
    """Return the homogeneous matrix (4, 4) float64, metres, of a geometry_msgs/Transform."""
    shift, rotation = transform.translation, transform.rotation
    return matrix_from_quat((shift.x, shift.y, shift.z),
                            (rotation.x, rotation.y, rotation.z, rotation.w))


def matrix_from_pose(pose: Pose) -> np.ndarray:
    """Return the homogeneous matrix (4, 4) float64, metres, of a geometry_msgs/Pose."""
    place, rotation = pose.position, pose.orientation
    return matrix_from_quat((place.x, place.y, place.z),
                            (rotation.x, rotation.y, rotation.z, rotation.w))


def matrix_from_quat(xyz_m: Sequence[float], quat_xyzw: Sequence[float]) -> np.ndarray:
    """Return the homogeneous matrix (4, 4) of a translation in metres and a quaternion."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_quat(quat_xyzw).as_matrix(), xyz_m
    return T


def pose_from_matrix(T: np.ndarray) -> Pose:
    """Return the geometry_msgs/Pose of a homogeneous matrix (4, 4), metres."""
    x, y, z = T[:3, 3].tolist()
    qx, qy, qz, qw = Rotation.from_matrix(T[:3, :3]).as_quat().tolist()
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))
