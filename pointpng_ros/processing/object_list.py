"""Everything about the objects of a cloud as one JSON text, for machines without vision_msgs."""

from collections.abc import Sequence
import json
from typing import Any

from std_msgs.msg import Header, String

from pointpng_ros.messages.posed_objects import LabelledPose, PosedObject


def object_list(objects: Sequence[PosedObject], header: Header) -> String:
    """Return what Detection3DArray would say; docs/topics.md describes the keys."""
    stamp = {'sec': header.stamp.sec, 'nanosec': header.stamp.nanosec}
    return String(data=json.dumps({'header': {'stamp': stamp, 'frame_id': header.frame_id},
                                   'objects': [_entry(posed) for posed in objects]}))


def _entry(posed: PosedObject) -> dict[str, Any]:
    centre_m, size_m = posed.box
    return {'id': posed.child_frame, **_pose(posed), 'ambiguous': posed.ambiguous,
            'symmetric': posed.symmetric, 'covariance': posed.covariance.ravel().tolist(),
            'box': {'centre_m': centre_m.tolist(), 'size_m': size_m.tolist()},
            'others': [_pose(other) for other in posed.others]}


def _pose(posed: LabelledPose) -> dict[str, Any]:
    return {'label': posed.label, 'confidence': posed.confidence, 'position_m': posed.position_m,
            'quat_xyzw': posed.quat_xyzw}
