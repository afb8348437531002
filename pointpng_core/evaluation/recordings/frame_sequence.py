"""The clouds of a recording in order, and what is found in each, as the records of results."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds import PointCloud
from pointpng_core.io.bags.depth_recording import depth_stream, recorded_depths
from pointpng_core.io.bags.pointcloud2 import decode_cloud
from pointpng_core.io.bags.reader import IMAGE_TYPE, CloudBag
from pointpng_core.pipeline import FramePipeline
from pointpng_core.tracking.frame_result import Detection


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedCloud:
    """A cloud of a recording: `cloud`, or why there is none (`refused`).

    Whatever is decoded to it, a PointCloud2 or anything else, is processed alike.
    """

    stamp_ns: int
    frame_id: str
    cloud: PointCloud | None
    refused: str | None


def choose_topic(bag: CloudBag, asked: str | None) -> str:
    """Return the asked topic, of clouds or of depth images, or the only one of clouds.

    Raises ConfigError.
    """
    if asked is not None and asked in bag.topics_of(IMAGE_TYPE):
        return depth_stream(bag, asked).image
    return bag.choose_topic(asked)


def recorded_clouds(bag: CloudBag, topic: str) -> Iterator[RecordedCloud]:
    """Yield the clouds of a PointCloud2 or depth image topic, oldest first."""
    if topic not in bag.topics_of(IMAGE_TYPE):
        for _, message in bag.clouds(topic):
            yield _decoded(message.header, partial(decode_cloud, message))
        return
    stream = depth_stream(bag, topic)
    for _, recorded in recorded_depths(bag, stream):
        yield _decoded(recorded.image.header,
                       partial(recorded.cloud, rectified=stream.rectified))


def _decoded(header: Any, decode: Callable[[], PointCloud]) -> RecordedCloud:
    cloud, refused = None, None
    try:
        cloud = decode()
    except CloudError as error:
        refused = str(error)
    return RecordedCloud(stamp_ns=header.stamp.sec * 10**9 + header.stamp.nanosec,
                         frame_id=header.frame_id, cloud=cloud, refused=refused)


class FrameSequence:
    """Clouds in order; objects are tracked while the frame stays the same.

    `viewpoint` is the position (3,) of the sensor in that frame, None for its origin.
    """

    def __init__(self, pipeline: FramePipeline,
                 viewpoint: tuple[float, float, float] | None = None) -> None:
        self._pipeline, self._viewpoint, self._frame_id = pipeline, viewpoint, ''
        self._T_cloud_sensor: NDArray[np.float64] | None = None

    def process(self, recorded: RecordedCloud) -> dict[str, Any]:
        """Return the record of a cloud; see `result_file`."""
        facts = {'stamp_ns': recorded.stamp_ns, 'frame_id': recorded.frame_id}
        if recorded.cloud is None:
            return {**facts, 'refused': recorded.refused, 'warnings': [], 'stage_ms': {},
                    'objects': []}
        if recorded.frame_id != self._frame_id:
            self._pipeline.reset()
            self._frame_id, self._T_cloud_sensor = recorded.frame_id, None
        result = self._pipeline.process(self._placed(recorded.cloud), recorded.stamp_ns / 1e9)
        return {**facts, 'refused': None, 'warnings': list(result.warnings),
                'stage_ms': result.stage_ms,
                'objects': [_object(found) for found in result.detections]}

    def _placed(self, cloud: PointCloud) -> PointCloud:
        """Return a cloud with its sensor, which looks the same way as long as the frame lasts."""
        if self._viewpoint is None:
            return cloud
        if self._T_cloud_sensor is None:
            self._T_cloud_sensor = PointCloud.seen_from(cloud.points,
                                                        self._viewpoint).T_cloud_sensor
        return replace(cloud, T_cloud_sensor=self._T_cloud_sensor)


def _object(found: Detection) -> dict[str, Any]:
    estimate = found.estimate
    return {'label': found.label, 'index': found.index,
            'T_camera_object': estimate.T_observation_reference,
            'confidence': estimate.confidence, 'score': estimate.score,
            'ambiguous': bool(estimate.ambiguous), 'tracked': found.tracked}
