"""The node: a PointCloud2 or depth image in, the poses of the objects in it out.

ros2 run pointpng_ros pose_estimator --ros-args -p cloud_topic:=/camera/depth/points
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
import sys
import traceback
from typing import TYPE_CHECKING, Protocol, cast

from diagnostic_msgs.msg import DiagnosticArray
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from pointpng_core.cli.printable_parser import PrintableParser
from pointpng_core.errors import CloudError
from pointpng_core.text import printable
from pointpng_ros.health.clock_watch import ClockWatch
from pointpng_ros.health.core_log import CoreLog
from pointpng_ros.health.diagnostics import (
    NodeState,
    camera_status,
    describe_error,
    objects_status,
    out_of_gpu_memory,
    release_gpu_memory,
)
from pointpng_ros.health.duplicate_nodes import DuplicateNodeWatch
from pointpng_ros.health.lifetime import run_node, stop_when_asked
from pointpng_ros.inputs.cameras import (
    Arrival,
    Camera,
    camera_topics,
    subscribe,
    subscribe_reference,
)
from pointpng_ros.inputs.cloud_reader import CloudReader
from pointpng_ros.inputs.depth_cameras import depth_topics, subscribe_depth
from pointpng_ros.inputs.mailbox import Mailbox
from pointpng_ros.messages.tf_frames import FrameLookup
from pointpng_ros.parameters.command_line import own_options
from pointpng_ros.parameters.node_config import (
    DEPTH,
    NodeConfig,
    RegionConfig,
    reference_mode,
)
from pointpng_ros.parameters.parameter_service import BatchParameterService
from pointpng_ros.parameters.parameter_specs import ParameterGroup, pose_estimator_groups
from pointpng_ros.parameters.parameters import Configs, declare_parameters, watch_parameters
from pointpng_ros.parameters.qos_overrides import create_publisher
from pointpng_ros.processing.cloud_processor import CloudProcessor
from pointpng_ros.processing.pose_publisher import POSE_TOPIC, PosePublisher
from pointpng_ros.processing.reference_publisher import ReferencePublisher
from pointpng_ros.processing.services import NodeServices
from pointpng_ros.processing.session import PoseSession, Setting
from pointpng_ros.processing.worker import Worker

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.reference import Reference
    from pointpng_ros.processing.session import MakePipeline

NODE_NAME = 'pose_estimator'
LOG_PERIOD_S = 5.0
WARNING_PERIOD_S = 30.0
"""Of warnings about frames whose poses are published all the same."""
STOP_TIMEOUT_S = 5.0
THREADS = 4
"""Loading a library takes long, and so may a service: clouds and diagnostics go on meanwhile."""
REBUILDING = ('objects', 'model', 'device', 'estimator.')
"""Changes of these need another estimator, or other references."""


class Factory(Protocol):
    """What the node needs of `pointpng_ros.processing.pipeline_factory.PipelineFactory`."""

    def inference(self) -> AbstractContextManager[object]:
        """Return a fresh context for all torch work."""

    def library(self) -> 'list[Reference] | None':
        """Return the references of the object library, None without one."""

    def pipeline_maker(self, configs: Configs) -> 'MakePipeline':
        """Return a function from references to a pipeline."""


MakeFactory = Callable[[Configs, Callable[[str], None]], Factory]


class PoseEstimatorNode(Node):
    """Parameters to configs, clouds to the worker, figures to the diagnostics.

    The executor's threads only store the newest clouds; one worker thread does the rest. Raises
    PointPngError when a parameter, the object library or a missing package forbids the start.
    """

    def __init__(self, groups: Sequence[ParameterGroup], make_factory: MakeFactory) -> None:
        super().__init__(NODE_NAME, start_parameter_services=False)
        self._core_log = CoreLog(self)
        configs = declare_parameters(self, groups)
        self._config = cast(NodeConfig, configs[''])
        self._make_factory = make_factory
        topics = (depth_topics if self._config.input == DEPTH else camera_topics)(self._config)
        reference_mode(self._config)
        publisher = PosePublisher(self, self._config)
        lookup = (FrameLookup(self, self._config.target_frame)
                  if self._config.target_frame else None)
        self._reader = CloudReader(self, self._config, cast(RegionConfig, configs['roi.']))
        self._factory, setting = self._set_up(configs)
        self._prepared: tuple[Factory, Setting] | None = None
        self._session = PoseSession(setting, cameras=len(topics),
                                    inference=self._factory.inference)
        self._references = ReferencePublisher(
            self, lambda: (self._session.references, self._session.mode))
        self._cameras: list[Camera] = []
        self._processor = CloudProcessor(
            cameras=self._cameras, session=self._session, reader=self._reader,
            publisher=publisher, lookup=lookup, report=self._report, warn=self._warn,
            publish_references=self._references.update)
        self._mailbox: Mailbox[Arrival] = Mailbox(len(topics) + 1)
        self._mailbox.limit_rate(self._config.max_rate_hz)
        self._worker = Worker(self._mailbox, self._processor.handle, self._on_error)
        watch_parameters(self, groups, prepare=self._prepare, on_change=self._on_parameters)
        self._parameter_service = BatchParameterService(self)
        self._connect()
        self._references.update()
        self._worker.start()

    def destroy_node(self) -> None:
        """Stop the worker, then destroy the node."""
        self._worker.stop(STOP_TIMEOUT_S)
        self._core_log.close()
        super().destroy_node()

    def _report(self, text: str) -> None:
        self.get_logger().info(printable(text))

    def _warn(self, text: str) -> None:
        self.get_logger().warning(printable(text), throttle_duration_sec=WARNING_PERIOD_S)

    def _report_work(self, text: str) -> None:
        """Log slow work; raises ExternalShutdownException once a signal has come."""
        stop_when_asked()
        self._report(text)

    def _connect(self) -> None:
        clouds, others = MutuallyExclusiveCallbackGroup(), MutuallyExclusiveCallbackGroup()
        connect = subscribe_depth if self._config.input == DEPTH else subscribe
        self._cameras += connect(self, self._config, self._deliver, clouds)
        if self._config.reference_topic:
            subscribe_reference(self, self._config, len(self._cameras), self._deliver, clouds)
        NodeServices(self, MutuallyExclusiveCallbackGroup(), enable=self._enable,
                     set_reference=self._references.after(self._processor.set_reference),
                     reset=self._references.after(self._session.reset))
        DuplicateNodeWatch(self, others, (POSE_TOPIC,))
        ClockWatch(self, others)
        self._diagnostics = create_publisher(self, DiagnosticArray, '/diagnostics', 10)
        self.create_timer(self._config.diagnostics_period_s, self._publish_diagnostics,
                          clock=Clock(clock_type=ClockType.STEADY_TIME), callback_group=others)
        topics = ', '.join(self.resolve_topic_name(camera.topic) for camera in self._cameras)
        names = ', '.join(self._session.reference_names) or 'to come from the first cloud'
        self._report(f'listening on {topics} ({self._config.cloud_reliability}), '
                     f'references: {names}')

    def _deliver(self, arrival: Arrival) -> None:
        self._mailbox.put(arrival, arrival.slot)

    def _on_error(self, arrival: Arrival, error: Exception) -> None:
        """Log the error of a cloud in the worker, throttled; the next cloud is not affected."""
        if not rclpy.ok():
            return                       # publishing while the node shuts down
        affected = self._cameras if arrival.slot == len(self._cameras) \
            else [self._cameras[arrival.slot]]
        if isinstance(error, CloudError):
            for camera in affected:
                camera.statistics.count_refused(str(error))
            self.get_logger().warning(printable(f'{affected[0].noun} refused: {error}'),
                                      throttle_duration_sec=LOG_PERIOD_S)
            return
        for camera in affected:
            camera.statistics.count_failed(describe_error(error))
        if out_of_gpu_memory(error):
            release_gpu_memory()
        trace = ''.join(traceback.format_exception(error))
        text = (f'a {affected[0].noun} failed, going on with the next: {describe_error(error)}\n'
                f'{trace}')
        self.get_logger().error(printable(text, lines=True), throttle_duration_sec=LOG_PERIOD_S)

    def _set_up(self, configs: Configs) -> tuple[Factory, Setting]:
        """Load model and library; raises PointPngError when they cannot be used."""
        mode = reference_mode(cast(NodeConfig, configs['']))
        factory = self._make_factory(configs, self._report_work)
        return factory, Setting.of(factory.pipeline_maker(configs), factory.library(), mode)

    def _prepare(self, configs: Configs, changed: set[str]) -> None:
        """Prepare for changed parameters, or refuse by raising; the worker goes on meanwhile."""
        self._reader.prepare(cast(RegionConfig, configs['roi.']))
        self._prepared = None
        if any(name.startswith(REBUILDING) for name in changed):
            factory, setting = self._set_up(configs)
            self._prepared = factory, self._session.prepared(setting)

    def _on_parameters(self, configs: Configs) -> None:
        """Apply changed parameters, from the next cloud on."""
        self._config = self._reader.config = cast(NodeConfig, configs[''])
        self._reader.region = cast(RegionConfig, configs['roi.'])
        self._mailbox.limit_rate(self._config.max_rate_hz)
        if self._prepared:
            (self._factory, setting), self._prepared = self._prepared, None
            self._session.swap(setting)
            self._references.update()
            self._report('model or library replaced')
        else:
            self._session.rebuild(self._factory.pipeline_maker(configs))

    def _enable(self, enabled: bool) -> str:
        self._processor.enabled = enabled
        return 'enabled' if enabled else 'disabled: clouds are not processed'

    def _publish_diagnostics(self) -> None:
        name = self.get_fully_qualified_name()
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        for slot, camera in enumerate(self._cameras):
            array.status.append(camera_status(f'{name}: poses{camera.suffix}',
                                              camera.statistics.summary(), self._state(slot)))
        for camera in self._cameras:
            silent = (camera.watch.silent_s or 0.0) > self._config.cloud_timeout_s
            array.status.append(objects_status(f'{name}: objects{camera.suffix}',
                                               [] if silent else camera.states))
        self._diagnostics.publish(array)

    def _state(self, slot: int) -> NodeState:
        dropped, skipped = self._mailbox.counts(slot)
        camera = self._cameras[slot]
        unmatched, missing = camera.unmatched()
        return NodeState(
            dropped=dropped, skipped=skipped, noun=camera.noun, unmatched=unmatched,
            missing=missing, silent_s=camera.watch.silent_s,
            cloud_timeout_s=self._config.cloud_timeout_s, device=self._config.device,
            references=len(self._session.reference_names), idle=self._processor.idle)


def make_node() -> PoseEstimatorNode:
    """Build the node with the core's pipeline (imports torch)."""
    from pointpng_ros.processing.pipeline_factory import PipelineFactory

    return PoseEstimatorNode(pose_estimator_groups(), PipelineFactory)


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the exit code."""
    words = sys.argv[1:] if args is None else args
    own_options(_parser(), words)
    return run_node(make_node, name=NODE_NAME, args=words, threads=THREADS)


def _parser() -> argparse.ArgumentParser:
    return PrintableParser(
        prog=NODE_NAME, allow_abbrev=False, description=__doc__.split('\n')[0],
        epilog='Everything is a ROS parameter: --ros-args -p NAME:=VALUE, or --params-file FILE; '
               'config/pose_estimator.yaml lists them.')


if __name__ == '__main__':
    sys.exit(main())
