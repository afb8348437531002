"""Node bag_player: publishes clouds and depth images of a bag; PyPI has no `ros2 bag`.

pointpng play recording/ --rate 0.5 --loop          # space pauses and resumes
ros2 run pointpng_ros play recording/ --topic /camera/depth/image_raw      # and camera_info
"""

import argparse
from collections.abc import Iterator
import sys
import threading
from typing import Any

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from std_srvs.srv import SetBool

from pointpng_core.cli.output import say
from pointpng_core.cli.printable_parser import PrintableParser
from pointpng_core.errors import PointPngError
from pointpng_core.io.bags.reader import CloudBag
from pointpng_core.text import printable
from pointpng_ros.health.lifetime import THREAD_PREFIX, run_node
from pointpng_ros.inputs.cloud_topics import CLOUDS, DEPTH_IMAGES, check_topic_name, cloud_qos
from pointpng_ros.inputs.keyboard import Keyboard
from pointpng_ros.inputs.other_topics import other_topics
from pointpng_ros.inputs.playback import Playback
from pointpng_ros.inputs.recorded_topics import RecordedTopic, recorded_topics, subscribed
from pointpng_ros.parameters.command_line import own_options
from pointpng_ros.parameters.node_config import RELIABILITIES
from pointpng_ros.parameters.qos_overrides import create_publisher

NODE_NAME = 'bag_player'
TYPES = {kind.noun: kind.message_type for kind in (CLOUDS, DEPTH_IMAGES)}
_POLL_S = 0.1
_Item = tuple[int, str, Any]        # time of recording in ns, topic, message


class BagPlayerNode(Node):
    """Publishes topics of an open bag, in a thread of its own."""

    def __init__(self, bag: CloudBag, options: argparse.Namespace) -> None:
        super().__init__(NODE_NAME)
        self._bag = bag
        self._topics = {topic.name: topic for topic in recorded_topics(
            bag, options.topic, publish_as=options.publish_as, camera_info=options.camera_info,
            depth=options.depth)}
        self._topics |= {topic.name: topic
                         for topic in other_topics(bag, options.also, list(self._topics))}
        self._clock_publisher = (create_publisher(self, Clock, '/clock', 10)
                                 if options.clock else None)
        self._noun = next(topic.noun for topic in self._topics.values() if topic.noun)
        self._played = 0
        self._wait_s = options.wait
        self._publishers_of = {topic.name: self._publisher(topic, options.reliability)
                               for topic in self._topics.values()}
        self.playback: Playback[_Item] = Playback(
            self._items, self._publish, rate=options.rate, loop=options.loop,
            paused=options.start_paused)
        self.create_service(SetBool, '~/pause', self._on_pause)
        self._thread = threading.Thread(target=self._play, name=f'{THREAD_PREFIX}player',
                                        daemon=True)

    @property
    def playing(self) -> bool:
        """Return whether the end has not been reached."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Log what is played, and start."""
        state = ', paused' if self.playback.paused else ''
        what = ' and '.join(
            f'{self._bag.topics_of(TYPES[topic.noun])[topic.name]} {topic.noun}s of '
            f'{topic.name} on {self._publishers_of[topic.name].topic_name}'
            for topic in self._topics.values() if topic.noun)
        self.get_logger().info(printable(f'playing {what}{state}; space or ~/pause pauses'))
        if self._bag.damage:
            self.get_logger().warning(printable(self._bag.damage))
        self._thread.start()

    def set_paused(self, paused: bool) -> str:
        """Pause or resume; returns the new state in words."""
        self.playback.pause(paused)
        text = f'{"paused" if paused else "resumed"} after {self._noun} {self._played}'
        self.get_logger().info(printable(text))
        return text

    def finish(self) -> None:
        """Wait until reliable subscribers have received all; log the count and damage."""
        for publisher in self._publishers_of.values():
            publisher.wait_for_all_acked(Duration(seconds=5))
        self.get_logger().info(printable(f'played {self._played} {self._noun}s'))
        if self._bag.damage:
            self.get_logger().warning(printable(self._bag.damage))

    def destroy_node(self) -> None:
        """Stop the playback, then destroy the node."""
        self.playback.stop()
        if self._thread.is_alive():
            self._thread.join(2.0)
        super().destroy_node()

    def _play(self) -> None:
        self._wait_for_subscriber()
        self.playback.run()

    def _wait_for_subscriber(self) -> None:
        pause = threading.Event()
        for _ in range(round(self._wait_s / _POLL_S)):
            if not rclpy.ok() or subscribed(self._topics.values(), self._subscribers):
                return
            pause.wait(_POLL_S)

    def _subscribers(self, topic: str) -> int:
        return self._publishers_of[topic].get_subscription_count()

    def _publisher(self, topic: RecordedTopic, reliability: str) -> Publisher:
        check_topic_name('--as', topic.published)
        qos = (cloud_qos('reliable', depth=100) if topic.raw else
               cloud_qos(reliability, depth=5))
        if topic.latched:
            qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
        return create_publisher(self, topic.message_type, topic.published, qos)

    def _items(self) -> Iterator[tuple[int, _Item]]:
        noun = self._noun if len(self._topics) == 1 else 'message'
        raw = [topic.name for topic in self._topics.values() if topic.raw]
        for time_ns, topic, message in self._bag.messages(list(self._topics), noun=noun,
                                                          raw_topics=raw):
            yield time_ns, (time_ns, topic, message)

    def _publish(self, item: _Item) -> None:
        time_ns, name, message = item
        topic = self._topics[name]
        try:
            if self._clock_publisher:
                self._clock_publisher.publish(Clock(clock=Time(nanoseconds=time_ns).to_msg()))
            self._publishers_of[topic.name].publish(topic.convert(message))
            self._played += bool(topic.noun)
        except RuntimeError:
            if rclpy.ok():
                raise
            self.playback.stop()         # Ctrl-C closed the context in the middle of a cloud

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.message = self.set_paused(request.data)
        response.success = True
        return response


def main(args: list[str] | None = None) -> int:
    """Play a bag; returns the exit code."""
    words = sys.argv[1:] if args is None else args
    options = own_options(_parser(), words)
    try:
        with CloudBag(options.bag) as bag:
            return run_node(lambda: BagPlayerNode(bag, options), name=NODE_NAME, args=words,
                            spin=_spin)
    except PointPngError as error:
        say(f'{NODE_NAME}: {error}', error=True)
        return 1


def _spin(node: Node) -> None:
    assert isinstance(node, BagPlayerNode)
    with Keyboard() as keyboard:
        node.start()
        while node.playing:
            rclpy.spin_once(node, timeout_sec=_POLL_S)
            if keyboard.poll() == ' ':
                node.set_paused(not node.playback.paused)
    node.finish()


def _parser() -> argparse.ArgumentParser:
    parser = PrintableParser(
        prog='pointpng play', allow_abbrev=False,
        description='Publish the PointCloud2 clouds or depth images of a bag (MCAP, sqlite3 or '
                    'ROS 1).',
        epilog='Space pauses and resumes, and so does the service /bag_player/pause (SetBool). '
               'ROS arguments (--ros-args ...) work as with `ros2 run`.')
    parser.add_argument('bag', help='bag folder or file (.mcap, .db3, .bag)')
    parser.add_argument('--topic', action='append', default=[],
                        help='cloud topic in the bag (default: the only one), or the Image topic '
                             'of a depth camera, whose CameraInfo is played as well; may be '
                             'repeated')
    parser.add_argument('--depth', action='store_true',
                        help='play the only depth image topic also where the bag has clouds')
    parser.add_argument('--camera-info', metavar='TOPIC',
                        help='CameraInfo topic in the bag (default: camera_info beside the image)')
    parser.add_argument('--as', dest='publish_as', metavar='TOPIC',
                        help='topic to publish on (default: as in the bag); CameraInfo goes to '
                             'camera_info beside it')
    parser.add_argument('--also', action='append', default=[], metavar='TOPIC',
                        help='play this topic of the bag as well, as recorded: /tf, /tf_static, '
                             'colour images; may be repeated (its message package is needed)')
    parser.add_argument('--clock', action='store_true',
                        help='publish the time of each message on /clock, for nodes with '
                             'use_sim_time')
    parser.add_argument('--rate', type=_positive, default=1.0, metavar='FACTOR',
                        help='speed, 2 is twice as fast (default: 1)')
    parser.add_argument('--loop', action='store_true', help='start again at the end')
    parser.add_argument('--start-paused', action='store_true', help='wait to be resumed')
    parser.add_argument('--reliability', choices=RELIABILITIES, default='reliable',
                        help='of the publisher (default: reliable; a best-effort one loses most '
                             'large clouds)')
    parser.add_argument('--wait', type=float, default=0.0, metavar='SECONDS',
                        help='wait this long at most for a subscriber before the first cloud, or '
                             'for one of the depth images and of their CameraInfo')
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} is not a positive number')
    return value


if __name__ == '__main__':
    sys.exit(main())
