"""Processes one cloud at a time, in the worker's thread: message, points, poses, messages."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_core.timing import StageTimer
from pointpng_core.tracking.refusal_words import in_words
from pointpng_ros.health.diagnostics import support_in_words
from pointpng_ros.health.frame_statistics import FrameTiming
from pointpng_ros.inputs.cameras import Arrival, Camera
from pointpng_ros.inputs.cloud_reader import CloudReader
from pointpng_ros.inputs.depth_frame import DepthFrame
from pointpng_ros.messages.posed_objects import (
    objects_of,
    poorly_constrained_objects_of,
    refused_segments,
    unposed_points,
)
from pointpng_ros.messages.stamps import stamp_ns
from pointpng_ros.messages.tf_frames import FrameLookup
from pointpng_ros.processing.pose_publisher import PosePublisher
from pointpng_ros.processing.session import PoseSession

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.pipeline import FrameResult

IDLE = 'idle: nobody subscribes'
DISABLED = 'disabled: call ~/enable with true to go on'


class CloudProcessor:
    """Turns the clouds of all cameras into published poses.

    `report` receives lines for the log, `warn` what may be wrong with a frame;
    `publish_references` is called after every cloud, which may have changed the references. With
    `enabled` off nothing is published.
    """

    def __init__(self, *, cameras: Sequence[Camera], session: PoseSession, reader: CloudReader,
                 publisher: PosePublisher, lookup: FrameLookup | None,
                 report: Callable[[str], None], warn: Callable[[str], None],
                 publish_references: Callable[[], None]) -> None:
        self._cameras, self._session, self._reader = cameras, session, reader
        self._publisher, self._lookup = publisher, lookup
        self._report, self._warn = report, warn
        self._publish_references = publish_references
        self._reference_message: PointCloud2 | None = None
        self.enabled = True

    @property
    def idle(self) -> str:
        """Return why clouds are not processed now; empty when they are."""
        if not self.enabled:
            return DISABLED
        wanted = (self._reader.config.process_unsubscribed or self._session.needs_reference
                  or self._publisher.wanted)
        return '' if wanted else IDLE

    def handle(self, arrival: Arrival) -> None:
        """Process a cloud of a camera, or of the reference topic; errors of a cloud are raised."""
        if arrival.slot == len(self._cameras):
            assert isinstance(arrival.message, PointCloud2), 'the reference topic has clouds'
            self._process_reference(arrival.message)
        elif self.idle:
            camera = self._cameras[arrival.slot]
            camera.states = ()
            camera.statistics.count_ignored()
        else:
            self._process(arrival, self._cameras[arrival.slot])
        self._publish_references()

    def set_reference(self) -> str:
        """Take the references from the newest of all cameras' clouds; returns what was found."""
        camera = max((camera for camera in self._cameras if camera.newest),
                     key=lambda camera: camera.received_s, default=None)
        if camera is None or camera.newest is None:
            topics = ', '.join(camera.topic for camera in self._cameras)
            raise CloudError(f'no {self._cameras[0].noun} received yet on {topics}')
        cloud = self._reader.read(camera.newest, camera=self._cameras.index(camera))
        return self._session.set_reference(cloud)

    def _process_reference(self, message: PointCloud2) -> None:
        """Take the references from a cloud of the reference topic, unless it is the last again."""
        last = self._reference_message
        if last is not None and last.data == message.data:
            return
        cloud = self._read(message, len(self._cameras))
        self._report(self._session.take_references(cloud))
        self._reference_message = message

    def _read(self, message: PointCloud2 | DepthFrame, camera: int) -> PointCloud:
        """Read a cloud in the worker, which may wait for tf."""
        return self._reader.read(message, camera=camera,
                                 tf_timeout_s=self._reader.config.tf_timeout_s)

    def _process(self, arrival: Arrival, camera: Camera) -> None:
        timer, header = StageTimer(), arrival.message.header
        with timer('decode'):
            cloud = self._read(arrival.message, arrival.slot)
        T_target_cloud = self._lookup.known(header) if self._lookup else None
        taken = self._session.needs_reference
        result = self._session.process(cloud, frame=header.frame_id,
                                       stamp_s=stamp_ns(header.stamp) / 1e9,
                                       camera=arrival.slot)
        camera.states = result.states
        if result.warnings:
            self._warn('; '.join(result.warnings))
        if taken and self._session.reference_names:
            names = ', '.join(self._session.reference_names)
            self._report(f'references from the first cloud: {names}')
        try:
            self._answer(arrival, cloud, result, timer, T_target_cloud)
        finally:                         # the cloud has been, also where no pose is published
            self._session.finish(result, camera=arrival.slot)

    def _answer(self, arrival: Arrival, cloud: PointCloud, result: 'FrameResult',
                timer: StageTimer, T_target_cloud: np.ndarray | None) -> None:
        """Publish a result; its transform, where none is given, has come during the work or may.

        Raises CloudError when it does not come in tf_timeout_s.
        """
        header, camera = arrival.message.header, self._cameras[arrival.slot]
        if self._lookup and T_target_cloud is None:
            with timer('tf'):
                T_target_cloud = self._lookup.T_target_cloud(
                    header, timeout_s=self._reader.config.tf_timeout_s)
        refused = [each.entry() for each in result.not_accepted]
        with timer('publish'):
            self._publish(result, refused, header, T_target_cloud, camera)
        finished_s = time.monotonic()
        camera.statistics.add(FrameTiming(
            finished_s=finished_s, latency_ms=(finished_s - arrival.received_s) * 1e3,
            stamp_age_ms=self._reader.age_s(header) * 1e3, finite_share=cloud.finite_share,
            objects=len(result.detections), tracked=result.tracked, searched=result.searched,
            stage_ms=timer.stage_ms | result.stage_ms, warnings=result.warnings,
            plane=support_in_words(result.scene.support),
            not_accepted=tuple(in_words(refused))))

    def _publish(self, result: 'FrameResult', refused: Sequence[dict[str, Any]], header: Header,
                 T_target_cloud: np.ndarray | None, camera: Camera) -> None:
        if not self.enabled:             # since this cloud was taken
            return
        if self._lookup:
            header = Header(stamp=header.stamp, frame_id=self._lookup.target_frame)
        objects, poorly_constrained = (
            [replace(posed, child_frame=camera.child_frame(posed.child_frame))
             for posed in of(result, T_target_cloud)]
            for of in (objects_of, poorly_constrained_objects_of))
        self._publisher.publish(objects, header, camera=camera.name,
                                poorly_constrained=poorly_constrained,
                                not_accepted=refused_segments(refused, T_target_cloud),
                                marker_points=self._reader.config.marker_points,
                                unposed=partial(unposed_points, result, T_target_cloud))
