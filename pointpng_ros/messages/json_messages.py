"""Objects and references as JSON in a String, for machines without vision_msgs."""

from collections.abc import Mapping, Sequence
import json
from typing import TYPE_CHECKING, Any

from std_msgs.msg import Header, String

from pointpng_ros.messages.posed_objects import LabelledPose, PosedObject
from pointpng_ros.parameters.node_config import FIRST_LOOK, LIBRARY, PREVIOUS_FRAME, TOPIC

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.reference import Reference

_OF_VIEW = "axes of the cloud's frame, origin at the centroid of the points seen in the "
FRAMES = {LIBRARY: "that of the object's file, in metres",
          FIRST_LOOK: _OF_VIEW + 'reference cloud', TOPIC: _OF_VIEW + 'cloud on reference_topic',
          PREVIOUS_FRAME: _OF_VIEW + 'cloud before'}
"""An object's own frame, in words, by reference mode."""


def object_list(objects: Sequence[PosedObject], header: Header,
                poorly_constrained: Sequence[PosedObject] = (),
                not_accepted: Sequence[Mapping[str, Any]] = ()) -> String:
    """Return the content of a Detection3DArray as JSON; docs/topics.md describes the keys.

    Poorly constrained objects have a list of their own: who reads `objects` gets poses to act on.
    So have segments without an accepted pose, as `refused_segments` returns them.
    """
    stamp = {'sec': header.stamp.sec, 'nanosec': header.stamp.nanosec}
    return String(data=json.dumps({'header': {'stamp': stamp, 'frame_id': header.frame_id},
                                   'objects': [_object_entry(posed) for posed in objects],
                                   'poorly_constrained': [_object_entry(posed)
                                                    for posed in poorly_constrained],
                                   'not_accepted': list(map(dict, not_accepted))}))


def _object_entry(posed: PosedObject) -> dict[str, object]:
    centre_m, size_m = posed.box
    return {'id': posed.child_frame, **_pose(posed), 'ambiguous': posed.ambiguous,
            'symmetric': posed.symmetric, 'covariance': posed.covariance.ravel().tolist(),
            'box': {'centre_m': centre_m.tolist(), 'size_m': size_m.tolist()},
            'others': [_pose(other) for other in posed.others]}


def _pose(posed: LabelledPose) -> dict[str, object]:
    return {'label': posed.label, 'confidence': posed.confidence, 'position_m': posed.position_m,
            'quat_xyzw': posed.quat_xyzw}


def reference_list(references: 'Sequence[Reference]', mode: str) -> String:
    """Return the references in use and their mode; docs/topics.md describes the keys."""
    return String(data=json.dumps({
        'source': mode, 'frame': FRAMES[mode],
        'references': [_reference_entry(reference) for reference in references]}))


def _reference_entry(reference: 'Reference') -> dict[str, object]:
    centre_m, size_m = reference.box
    symmetry = reference.symmetry
    return {'name': reference.name, 'complete': reference.complete,
            'diameter_m': reference.diameter_m,
            'box': {'centre_m': centre_m.tolist(), 'size_m': size_m.tolist()},
            'symmetry': {'kind': symmetry.kind if symmetry.elements else 'none',
                         'elements': [{'axis': element.axis, 'order': element.order,
                                       'point_m': element.point}
                                      for element in symmetry.elements]}}
