"""Node sim_camera: a simulated depth camera over a table, with the true poses beside it.

ros2 run pointpng_ros sim_camera --ros-args -p rate_hz:=10.0 -p objects:=mug,drill,bracket
ros2 run pointpng_ros sim_camera --ros-args -p scene:=clutter
pointpng sim --write-library objects/            # only write the object library, then leave
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle
import sys
from typing import cast

from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from pointpng_core.cli.output import say
from pointpng_core.cli.printable_parser import PrintableParser
from pointpng_core.config import Config, option
from pointpng_core.errors import PointPngError
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors
from pointpng_core.simulation.sample_files import write_catalogue
from pointpng_core.simulation.simulator import DepthSimulator, ObjectTruth, SimulatedFrame
from pointpng_core.simulation.tabletop import WorldConfig
from pointpng_core.simulation.worlds import (
    SCENES,
    TABLETOP,
    TABLETOP_OBJECTS,
    make_world,
)
from pointpng_core.text import printable
from pointpng_ros.health.lifetime import run_node
from pointpng_ros.inputs.cloud_topics import cloud_qos
from pointpng_ros.messages.cloud_message import encode_cloud
from pointpng_ros.messages.depth_messages import DEPTH_ENCODINGS
from pointpng_ros.messages.depth_publisher import DepthPublisher
from pointpng_ros.messages.pose_messages import transform_of
from pointpng_ros.messages.posed_objects import NamedPose
from pointpng_ros.parameters.command_line import own_options
from pointpng_ros.parameters.node_config import RELIABILITIES
from pointpng_ros.parameters.parameter_specs import ParameterGroup
from pointpng_ros.parameters.parameters import declare_parameters
from pointpng_ros.parameters.qos_overrides import create_publisher


@dataclass(frozen=True, kw_only=True)
class SimCameraConfig(Config):
    """Parameters without a prefix of the sim_camera node."""

    cloud_topic: str = option('/camera/depth/points', help='PointCloud2 topic to publish.')
    publish_depth: str = option(
        'none', choices=('none', *DEPTH_ENCODINGS), help='Encoding of depth images that are '
        'published beside the clouds, with their CameraInfo: 32FC1 (m) or 16UC1 (mm).')
    depth_topic: str = option(
        '/camera/depth/image_raw', help='Image topic of the depth images; their CameraInfo is on '
        'camera_info beside it.')
    truth_topic: str = option(
        '/pointpng/ground_truth', help='TransformStamped topic of the true poses: child frame '
        'LABEL_INDEX, one message for each object in view, stamped as its cloud.')
    hidden_topic: str = option('', help='The same of the objects that are not in view. Empty: '
                               'none.')
    frame_id: str = option('camera_optical_frame', help='Frame of clouds and true poses.')
    reliability: str = option(
        'reliable', choices=RELIABILITIES,
        help='Reliability of the cloud publisher; a best-effort one loses most large clouds.')
    rate_hz: float = option(5.0, help='Frames a second.', unit='Hz', low=0.1, high=60)
    prepared_frames: int = option(
        0, help='Frames rendered before the first one is published, then shown forwards and '
        'backwards for ever, which costs next to nothing: for high rates. 0: each is rendered '
        'when it is due.', low=0, high=600)
    stamp_offset_s: float = option(0.0, help='Added to the stamps, as by a clock that is wrong.',
                                   unit='s', low=-1e6, high=1e6)
    scene: str = option(
        TABLETOP, choices=SCENES, help='tabletop: objects apart from each other, moving; clutter: '
        'a pile of touching and leaning ones, which world.seed chooses among the stored ones.')
    objects: str = option('', help='Objects of the scene tabletop, separated by commas; a name '
                          f'may repeat. Empty: {",".join(TABLETOP_OBJECTS)}.')
    noise: float = option(1.0, help='Sensor noise: 0 is ideal, 1 a Kinect.', low=0, high=5)
    min_visible_share: float = option(
        0.35, help='An object counts as in view when it projects wholly into the image and at '
        'least this share of the pixels it would fill alone is not occluded.', low=0, high=1)
    library_dir: str = option('', help='Folder to write the object library of all objects on the '
                              'table to, before the first frame. Empty: none.')

    @property
    def object_names(self) -> list[str]:
        """Return the objects asked for."""
        return [name.strip() for name in self.objects.split(',') if name.strip()]


def sim_camera_groups() -> list[ParameterGroup]:
    """Return the groups of parameters of the sim_camera node."""
    return [ParameterGroup(prefix='', defaults=SimCameraConfig()),
            ParameterGroup(prefix='world.', defaults=WorldConfig()),
            ParameterGroup(prefix='camera.', defaults=DepthCamera()),
            ParameterGroup(prefix='sensor.', defaults=SensorErrors())]


class SimCamera(Node):
    """Publishes a frame each period; raises ConfigError for refused parameters."""

    def __init__(self) -> None:
        super().__init__('sim_camera')
        configs = declare_parameters(self, sim_camera_groups())
        self._config, self._simulator = _build(configs)
        names = [item.label for item in self._simulator.world.objects]
        if self._config.library_dir:
            write_catalogue(self._config.library_dir, names)
        qos = cloud_qos(self._config.reliability)
        self._cloud_publisher = create_publisher(self, PointCloud2, self._config.cloud_topic, qos)
        self._depth_publisher = None
        if self._config.publish_depth != 'none':
            self._depth_publisher = DepthPublisher(
                self, self._config.depth_topic, self._simulator.camera.pinhole,
                encoding=self._config.publish_depth, qos=qos)
        self._truth_publisher, self._hidden_publisher = [
            create_publisher(self, TransformStamped, topic, 10 * len(names))
            if topic else None for topic in (self._config.truth_topic, self._config.hidden_topic)]
        self._frames = self._numbered_frames()
        self._timer = self.create_timer(1 / self._config.rate_hz, self._publish)
        self.get_logger().info(printable(
            f'{",".join(names)} at {self._config.rate_hz:g} Hz on {self._config.cloud_topic}'))

    def _publish(self) -> None:
        """Render the next frame, then stamp it: the stamp is the moment of publication."""
        frame = next(self._frames)
        offset = Duration(nanoseconds=int(self._config.stamp_offset_s * 1e9))
        header = Header(stamp=(self.get_clock().now() + offset).to_msg(),
                        frame_id=self._config.frame_id)
        seen = {truth.frame for truth in frame.in_view(self._config.min_visible_share)}
        for truth in frame.truths:
            publisher = self._truth_publisher if truth.frame in seen else self._hidden_publisher
            if publisher:
                publisher.publish(_truth_message(truth, header))
        if self._depth_publisher:
            self._depth_publisher.publish(frame.points[..., 2], header)
        self._cloud_publisher.publish(_cloud_message(frame, header))

    def _numbered_frames(self) -> Iterator[SimulatedFrame]:
        render = partial(self._simulator.frame, rate_hz=self._config.rate_hz)
        prepared = [render(number) for number in range(self._config.prepared_frames)]
        return forwards_and_backwards(prepared) if prepared else map(render, count())


def forwards_and_backwards(frames: Sequence[SimulatedFrame]) -> Iterator[SimulatedFrame]:
    """Yield frames forwards and backwards for ever, so that motion stays continuous."""
    return cycle([*frames, *frames[-2:0:-1]])


def main(args: list[str] | None = None) -> int:
    """Run the node, or with `--write-library DIR` write the whole catalogue there and leave."""
    words = sys.argv[1:] if args is None else args
    parser = PrintableParser(
        prog='pointpng sim', allow_abbrev=False,
        description=f'The node sim_camera: {__doc__.split(": ")[1].splitlines()[0]}',
        epilog=f'Scenes: {", ".join(SCENES)}. Choose one, its objects and the rate with ROS '
               'arguments, for example: --ros-args -p scene:=clutter -p rate_hz:=10.0')
    parser.add_argument('--write-library', metavar='DIR',
                        help='write the whole object catalogue (objects.yaml, meshes) and leave')
    options = own_options(parser, words)
    if options.write_library:
        return _write_library(options.write_library)
    return run_node(SimCamera, name='sim_camera', args=words)


def _write_library(folder: str) -> int:
    try:
        models = write_catalogue(folder)
    except PointPngError as error:
        say(error, error=True)
        return 1
    say(f'{len(models)} objects in {printable(folder)}: '
        f'{", ".join(model.name for model in models)}')
    return 0


def _build(configs: dict[str, Config]) -> tuple[SimCameraConfig, DepthSimulator]:
    """Return the node's own config and the simulator of the other three."""
    config = cast(SimCameraConfig, configs[''])
    world = make_world(config.scene, config.object_names,
                       config=cast(WorldConfig, configs['world.']))
    noise = cast(SensorErrors, configs['sensor.']).scaled(config.noise)
    return config, DepthSimulator(world, camera=cast(DepthCamera, configs['camera.']), noise=noise)


def _truth_message(truth: ObjectTruth, header: Header) -> TransformStamped:
    return transform_of(NamedPose(label=truth.label, child_frame=truth.frame,
                                  T_frame_object=truth.T_camera_object), header)


def _cloud_message(frame: SimulatedFrame, header: Header) -> PointCloud2:
    height, width = frame.points.shape[:2]
    return encode_cloud(frame.points.reshape(-1, 3), header, image_shape=(height, width))


if __name__ == '__main__':
    sys.exit(main())
