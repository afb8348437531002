"""The clouds of a recording in order, and what is found in each, as the records of results."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pointpng_core.errors import CloudError
from pointpng_core.io.bags.pointcloud2 import DecodedCloud, decode_cloud
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.pipeline import FramePipeline
from pointpng_core.tracking.frame_result import Detection


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedCloud:
    """A cloud of a recording: `cloud`, or why there is none (`refused`).

    Whatever is decoded to it, a PointCloud2 or anything else, is processed alike.
    """

    stamp_ns: int
    frame_id: str
    cloud: DecodedCloud | None
    refused: str | None


def recorded_clouds(bag: CloudBag, topic: str) -> Iterator[RecordedCloud]:
    """Yield the clouds of a PointCloud2 topic, oldest first."""
    for _, message in bag.clouds(topic):
        header = message.header
        cloud, refused = None, None
        try:
            cloud = decode_cloud(message)
        except CloudError as error:
            refused = str(error)
        yield RecordedCloud(stamp_ns=header.stamp.sec * 10**9 + header.stamp.nanosec,
                            frame_id=header.frame_id, cloud=cloud, refused=refused)


class FrameSequence:
    """Clouds in order; objects are tracked while the frame stays the same."""

    def __init__(self, pipeline: FramePipeline) -> None:
        self._pipeline, self._frame_id = pipeline, ''

    def process(self, recorded: RecordedCloud) -> dict[str, Any]:
        """Return the record of a cloud: stamp_ns, frame_id, refused, stage_ms, objects."""
        facts = {'stamp_ns': recorded.stamp_ns, 'frame_id': recorded.frame_id}
        if recorded.cloud is None:
            return {**facts, 'refused': recorded.refused, 'stage_ms': {}, 'objects': []}
        if recorded.frame_id != self._frame_id:
            self._pipeline.reset()
            self._frame_id = recorded.frame_id
        cloud = recorded.cloud
        result = self._pipeline.process(cloud.points, cloud.image_shape, recorded.stamp_ns / 1e9)
        return {**facts, 'refused': None, 'stage_ms': result.stage_ms,
                'objects': [_object(found) for found in result.detections]}


def _object(found: Detection) -> dict[str, Any]:
    estimate = found.estimate
    return {'label': found.label, 'index': found.index,
            'T_camera_object': estimate.T_observation_reference,
            'confidence': estimate.confidence, 'score': estimate.score,
            'ambiguous': bool(estimate.ambiguous), 'tracked': found.tracked}
