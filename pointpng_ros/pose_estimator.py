"""The node: a PointCloud2 in, the poses of the objects in it out.

ros2 run pointpng_ros pose_estimator --ros-args -p cloud_topic:=/camera/depth/points
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
import sys
import time
import traceback
from typing import Any, Protocol, cast

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.time import Time
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from pointpng_core.bags.codec import DecodedCloud, decode_cloud
from pointpng_core.errors import CloudError
from pointpng_core.stages import StageClock
from pointpng_ros.cloud_watch import CloudWatch, check_topic_name, cloud_qos
from pointpng_ros.diagnostics import NodeState, diagnostic_array
from pointpng_ros.frame_statistics import FrameStatistics, FrameTiming
from pointpng_ros.frames import FrameLookup
from pointpng_ros.lifetime import run_node, stop_when_asked
from pointpng_ros.mailbox import Mailbox
from pointpng_ros.node_config import NodeConfig
from pointpng_ros.parameter_specs import ParameterGroup, pose_estimator_groups
from pointpng_ros.parameters import Configs, declare_parameters, watch_parameters
from pointpng_ros.pose_publisher import PosePublisher
from pointpng_ros.posed_objects import objects_of
from pointpng_ros.session import Pipeline, PoseSession
from pointpng_ros.worker import Worker

NODE_NAME = 'pose_estimator'
LOG_PERIOD_S = 5.0
STOP_TIMEOUT_S = 5.0


class Factory(Protocol):
    """What the node needs of `pointpng_ros.pipeline_factory.PipelineFactory`."""

    def inference(self) -> AbstractContextManager[Any]:
        """Return a fresh context for all torch work."""

    def library(self) -> list[Any] | None:
        """Return the references of the object library, None without one."""

    def pipeline_maker(self, configs: Configs) -> Callable[[list[Any]], Pipeline]:
        """Return a function from references to a pipeline."""


MakeFactory = Callable[[Configs, Callable[[str], None]], Factory]


@dataclass(frozen=True, kw_only=True)
class _Arrival:
    message: PointCloud2
    received_s: float


class PoseEstimatorNode(Node):
    """Parameters to configs, message to array, `FramePipeline.process`, publish.

    The executor's thread only stores the newest cloud; one worker thread does the rest. Raises
    PointPngError when a parameter, the object library or a missing package forbids the start.
    """

    def __init__(self, groups: Sequence[ParameterGroup], make_factory: MakeFactory) -> None:
        super().__init__(NODE_NAME)
        configs = declare_parameters(self, groups)
        self._config = cast(NodeConfig, configs[''])
        check_topic_name('cloud_topic', self._config.cloud_topic)
        self._publisher = PosePublisher(self, self._config)
        self._lookup = (FrameLookup(self, self._config.target_frame)
                        if self._config.target_frame else None)
        self._factory = make_factory(configs, self._report_work)
        self._session = PoseSession(self._factory.pipeline_maker(configs),
                                    library=self._factory.library(),
                                    inference=self._factory.inference)
        self._statistics = FrameStatistics()
        self._mailbox: Mailbox[_Arrival] = Mailbox()
        self._worker = Worker(self._mailbox, self._handle, self._on_error)
        self._newest: PointCloud2 | None = None
        self._watch = CloudWatch(self, topic=self._config.cloud_topic,
                                 reliability=self._config.cloud_reliability,
                                 timeout_s=self._config.cloud_timeout_s)
        watch_parameters(self, groups, self._on_parameters)
        self._connect()
        self._worker.start()

    def destroy_node(self) -> None:
        """Stop the worker, then destroy the node."""
        self._worker.stop(STOP_TIMEOUT_S)
        super().destroy_node()

    def _report(self, text: str) -> None:
        self.get_logger().info(text)

    def _report_work(self, text: str) -> None:
        """Log what takes time before the node spins, unless a signal has come meanwhile."""
        stop_when_asked()
        self._report(text)

    def _connect(self) -> None:
        topic, reliability = self._config.cloud_topic, self._config.cloud_reliability
        self.create_subscription(PointCloud2, topic, self._on_cloud, cloud_qos(reliability),
                                 event_callbacks=self._watch.event_callbacks())
        services = MutuallyExclusiveCallbackGroup()
        self.create_service(Trigger, '~/set_reference', self._on_set_reference,
                            callback_group=services)
        self.create_service(Trigger, '~/reset', self._on_reset, callback_group=services)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self.create_timer(self._config.diagnostics_period_s, self._publish_diagnostics,
                          clock=Clock(clock_type=ClockType.STEADY_TIME))
        names = ', '.join(self._session.reference_names) or 'to come from the first cloud'
        self._report(f'listening on {self.resolve_topic_name(topic)} ({reliability}), '
                     f'references: {names}')

    def _on_cloud(self, message: PointCloud2) -> None:
        self._watch.saw_cloud()
        self._statistics.count_received()
        self._newest = message
        self._mailbox.put(_Arrival(message=message, received_s=time.monotonic()))

    def _handle(self, arrival: _Arrival) -> None:
        clock = StageClock()
        header = arrival.message.header
        with clock('decode'):
            cloud = self._read(arrival.message)
        T_target_cloud = self._lookup.T_target_cloud(header) if self._lookup else None
        known = self._session.reference_names
        result = self._session.process(cloud.points, cloud.image_shape, frame=header.frame_id,
                                       stamp_s=Time.from_msg(header.stamp).nanoseconds / 1e9)
        if self._session.reference_names != known:
            self._report(f'first look: {", ".join(self._session.reference_names)}')
        with clock('publish'):
            self._publish(result, header, T_target_cloud)
        finished_s = time.monotonic()
        self._statistics.add(FrameTiming(
            finished_s=finished_s, latency_ms=(finished_s - arrival.received_s) * 1e3,
            stamp_age_ms=self._age_s(header) * 1e3, finite_share=cloud.finite_share,
            objects=len(result.detections), tracked=result.tracked, searched=result.searched,
            stage_ms=clock.stage_ms | result.stage_ms))

    def _read(self, message: PointCloud2) -> DecodedCloud:
        """Decode a cloud; raises CloudError when it is malformed, too old or without a frame."""
        if not message.header.frame_id:
            raise CloudError('the cloud has an empty frame_id, so its poses would have no frame; '
                             'set the frame in the camera driver')
        age_s, limit_s = self._age_s(message.header), self._config.max_age_s
        if limit_s and age_s > limit_s:
            raise CloudError(f'the cloud is {age_s:.2f} s old, more than max_age_s = {limit_s} s; '
                             'raise it, or set it to 0 for replayed bags')
        return decode_cloud(message, max_points=self._config.max_points)

    def _publish(self, result: Any, header: Header, T_target_cloud: np.ndarray | None) -> None:
        if T_target_cloud is not None:
            header = Header(stamp=header.stamp, frame_id=self._config.target_frame)
        self._publisher.publish(objects_of(result, T_target_cloud), header,
                                marker_points=self._config.marker_points)

    def _age_s(self, header: Header) -> float:
        return (self.get_clock().now() - Time.from_msg(header.stamp)).nanoseconds / 1e9

    def _on_error(self, error: Exception) -> None:
        """Log what a cloud met in the worker, throttled; the next cloud is not affected."""
        if not rclpy.ok():
            return                       # publishing while the node shuts down
        if isinstance(error, CloudError):
            self._statistics.count_refused(str(error))
            self.get_logger().warning(f'cloud refused: {error}',
                                      throttle_duration_sec=LOG_PERIOD_S)
            return
        self._statistics.count_failed(f'{type(error).__name__}: {error}')
        trace = ''.join(traceback.format_exception(error))
        self.get_logger().error(f'a cloud failed, going on with the next: {trace}',
                                throttle_duration_sec=LOG_PERIOD_S)

    def _on_parameters(self, configs: Configs) -> None:
        self._config = cast(NodeConfig, configs[''])
        self._session.rebuild(self._factory.pipeline_maker(configs))

    def _on_set_reference(self, request: Trigger.Request,
                          response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._look_again)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._session.reset)

    def _look_again(self) -> str:
        if self._newest is None:
            raise CloudError(f'no cloud received yet on {self._config.cloud_topic}')
        cloud = self._read(self._newest)
        return self._session.set_reference(cloud.points, cloud.image_shape)

    def _answer(self, response: Trigger.Response, act: Callable[[], str]) -> Trigger.Response:
        try:
            response.message, response.success = act(), True
        except Exception as error:       # an exception would end the executor
            response.message, response.success = str(error), False
        self._report(f'service: {response.message}')
        return response

    def _publish_diagnostics(self) -> None:
        state = NodeState(
            dropped=self._mailbox.dropped, silent_s=self._watch.silent_s,
            cloud_timeout_s=self._config.cloud_timeout_s, device=self._config.device,
            references=len(self._session.reference_names))
        self._diagnostics.publish(diagnostic_array(
            self.get_fully_qualified_name(), self.get_clock().now().to_msg(),
            self._statistics.summary(), state))


def make_node() -> PoseEstimatorNode:
    """Build the node with the core's pipeline (imports torch)."""
    from pointpng_ros.pipeline_factory import PipelineFactory

    return PoseEstimatorNode(pose_estimator_groups(), PipelineFactory)


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the exit code."""
    words = sys.argv[1:] if args is None else args
    _parser().parse_args(remove_ros_args(words))
    return run_node(make_node, name=NODE_NAME, args=words)


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=NODE_NAME, allow_abbrev=False, description=__doc__.split('\n')[0],
        epilog='Everything is a ROS parameter: --ros-args -p NAME:=VALUE, or --params-file FILE; '
               'config/pose_estimator.yaml lists them.')


if __name__ == '__main__':
    sys.exit(main())
