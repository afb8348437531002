"""Configuration of the pose_estimator node itself; the core's configs are nested beside it."""

from dataclasses import dataclass
import math

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError

CLOUD, DEPTH = 'cloud', 'depth'
INPUTS = (CLOUD, DEPTH)
RECTIFIED = ('auto', 'always', 'never')
RELIABILITIES = ('best_effort', 'reliable')
LIBRARY, FIRST_LOOK, PREVIOUS_FRAME, TOPIC = 'library', 'first_look', 'previous_frame', 'topic'
REFERENCES = ('auto', LIBRARY, FIRST_LOOK, PREVIOUS_FRAME, TOPIC)
"""What poses are relative to, the values of the parameter `reference`: see docs/frames.md."""


@dataclass(frozen=True, kw_only=True)
class NodeConfig(Config):
    """Parameters without a prefix of the pose_estimator node."""

    input: str = option(
        CLOUD, choices=INPUTS, help='What the camera publishes: cloud (a PointCloud2 on '
                                    'cloud_topic) or depth (an Image on depth_topic with its '
                                    'CameraInfo).')
    cloud_topic: str = option(
        '/camera/depth/points', help='PointCloud2 topic to subscribe, or several, for as many '
                                     'cameras, with commas between them.')
    depth_topic: str = option(
        '/camera/depth/image_raw', help="Depth images with input = 'depth': 16UC1, mono16 or "
                                        '32FC1. Or several topics, with commas between them.')
    camera_info_topic: str = option(
        '', help='CameraInfo of the depth images, one for each depth topic. Empty: camera_info '
                 'beside the image, as image_transport has it.')
    mask_topic: str = option(
        '', help='Mask or label images, one topic for each depth topic: with input = depth only '
                 'pixels whose label is not 0 are used. Empty: all are.')
    depth_rectified: str = option(
        'auto', choices=RECTIFIED,
        help='Whether depth images are rectified: always (P of the CameraInfo, no distortion, as '
             'depth_image_proc), never (K and the distortion D), or auto: where the last part of '
             'the topic contains rect.')
    depth_unit_m: float = option(
        0.001, unit='m', low=1e-6, high=1.0,
        help='Metres in a step of 16-bit depth images; 32FC1 holds metres.')
    sync_tolerance_s: float = option(
        0.01, unit='s', low=0.0, high=1.0,
        help='Most that the stamps of a depth image and of its CameraInfo or mask may differ, '
             'where none is equal.')
    sensor_frame: str = option(
        '', help='Optical frame of the sensor, where clouds are in another one (base_link, map): '
                 'found by tf at the stamp of the cloud (needs tf2_ros). Empty: the cloud is in '
                 'the optical frame itself.')
    viewpoint: str = option(
        '', help="Position 'x y z' (m) of the sensor in the frame of the clouds, where it does "
                 'not move in it and is not at the origin. Empty: the origin, or sensor_frame.')
    cloud_reliability: str = option(
        'best_effort', choices=RELIABILITIES,
        help='Reliability asked of the publishers of clouds and depth images. best_effort '
             'matches every publisher but loses clouds larger than its shared-memory segment; '
             'reliable loses none but never matches a best-effort publisher.')
    objects: str = option(
        '', help='Folder of the object library (objects.yaml). Empty: no library.')
    reference: str = option(
        'auto', choices=REFERENCES,
        help='What poses are relative to: the library; the objects of the first cloud or of '
             '~/set_reference, as object_0, object_1, ...; each object as it was in the cloud '
             'before; or the objects of the newest cloud on reference_topic. auto: the library '
             'where objects is given, else first_look.')
    reference_topic: str = option(
        '', help="PointCloud2 topic of the reference cloud, with reference = 'topic'.")
    model: str = option(
        'training_free', help='Embedding that drives the pose search: training_free, the name of '
                              'a model that ships with the package, or the folder of a '
                              'checkpoint or of a training run.')
    device: str = option(
        'cpu', help='Torch device of the search: cpu, cuda or cuda:N.')
    threads: int = option(
        1, low=0, high=256, help='Threads that torch may use; 0 leaves its default. One is best '
                                 'where camera and node share few cores: threads that wait for '
                                 'a busy core cost more than they bring.')
    cache_dir: str = option(
        '~/.cache/pointpng', help='Folder for prepared references; empty keeps none on disk.')
    target_frame: str = option(
        '', help='Frame to publish poses in, by tf at the stamp of the cloud (needs tf2_ros). '
                 'Empty: the frame of the cloud.')
    tf_timeout_s: float = option(
        0.1, unit='s', low=0.0, high=10.0,
        help='Longest wait of a cloud for the transform at its stamp, for target_frame once its '
             'poses are found. Other clouds wait meanwhile, the executor does not.')
    publish_tf: bool = option(
        False, help='Broadcast every pose on /tf as well (needs tf2_ros).')
    frame_prefix: str = option(
        '', help='Put before the name of every child frame, where several nodes share /tf.')
    publish_detections: bool = option(
        False, help='Publish vision_msgs/Detection3DArray on /pointpng/detections as well '
                    '(needs vision_msgs).')
    max_age_s: float = option(
        0.0, unit='s', low=0.0, high=3600.0,
        help='Clouds whose stamp is older than this are dropped; 0 accepts any age, as replayed '
             'bags need.')
    max_rate_hz: float = option(
        0.0, unit='Hz', low=0.0, high=1000.0,
        help='Most clouds processed in a second, for each camera, the newest ones; 0: no limit.')
    process_unsubscribed: bool = option(
        False, help='Process clouds while nobody subscribes to any output, too.')
    max_points: int = option(
        8_000_000, low=1, high=100_000_000, help='Clouds of more points are refused.')
    cloud_timeout_s: float = option(
        5.0, unit='s', low=0.5, high=3600.0,
        help='Silence on the cloud topic after which the log explains why.')
    diagnostics_period_s: float = option(
        1.0, unit='s', low=0.1, high=60.0, help='Period of /diagnostics.')
    marker_points: int = option(
        300, low=0, high=10_000, help='Points shown for each object in the markers.')


def reference_mode(config: NodeConfig) -> str:
    """Return what poses are relative to: LIBRARY, FIRST_LOOK, PREVIOUS_FRAME or TOPIC.

    Raises ConfigError where the parameters `reference`, `objects` and `reference_topic` contradict
    each other.
    """
    mode = config.reference
    if mode == 'auto':
        mode = LIBRARY if config.objects else FIRST_LOOK
    if mode == LIBRARY and not config.objects:
        raise ConfigError("reference = 'library' needs the folder of a library: set objects")
    if mode != LIBRARY and config.objects:
        raise ConfigError(f'reference = {config.reference!r} takes no library, but objects = '
                          f'{config.objects!r}: leave one of the two out')
    if mode == TOPIC and not config.reference_topic:
        raise ConfigError("reference = 'topic' needs the topic of the reference cloud: set "
                          'reference_topic')
    if mode != TOPIC and config.reference_topic:
        raise ConfigError(f'reference_topic = {config.reference_topic!r} is not used with '
                          f"reference = {config.reference!r}: set that to 'topic', or leave "
                          'reference_topic empty')
    return mode


def sensor_position_m(config: NodeConfig) -> tuple[float, ...] | None:
    """Return the position (3,) of the parameter `viewpoint` in metres, None where it is empty.

    Raises ConfigError for another text, and where `input`, `sensor_frame` and `viewpoint`
    contradict each other.
    """
    given = [name for name in ('sensor_frame', 'viewpoint') if getattr(config, name).strip()]
    if given and config.input == DEPTH:
        raise ConfigError(f"{given[0]} = {getattr(config, given[0])!r} is not used with input = "
                          "'depth', whose points are in the optical frame itself: leave it empty")
    if len(given) > 1:
        raise ConfigError(f'sensor_frame = {config.sensor_frame!r} and viewpoint = '
                          f'{config.viewpoint!r} both say where the sensor is: leave one empty')
    if not config.viewpoint.strip():
        return None
    words = config.viewpoint.replace(',', ' ').split()
    try:
        position_m = tuple(float(word) for word in words)
    except ValueError:
        position_m = ()
    if len(position_m) != 3 or not all(map(math.isfinite, position_m)):
        raise ConfigError(f"viewpoint = {config.viewpoint!r}: give three numbers 'x y z', in "
                          'metres in the frame of the clouds')
    return position_m


@dataclass(frozen=True, kw_only=True)
class RegionConfig(Config):
    """The region of interest: a box along the axes of a frame; points outside are ignored."""

    enabled: bool = option(
        False, help='Whether only the points inside a box are used, the region of interest.')
    frame: str = option(
        '', help='Frame of the box, by tf at the stamp of the cloud (needs tf2_ros). Empty: the '
                 'frame of the cloud.')
    min_x_m: float = option(-1.0, unit='m', low=-1000.0, high=1000.0, help='Least x in the box.')
    max_x_m: float = option(1.0, unit='m', low=-1000.0, high=1000.0, help='Largest x.')
    min_y_m: float = option(-1.0, unit='m', low=-1000.0, high=1000.0, help='Least y.')
    max_y_m: float = option(1.0, unit='m', low=-1000.0, high=1000.0, help='Largest y.')
    min_z_m: float = option(0.0, unit='m', low=-1000.0, high=1000.0, help='Least z.')
    max_z_m: float = option(2.0, unit='m', low=-1000.0, high=1000.0, help='Largest z.')

    def __post_init__(self) -> None:
        """Check the values, and that the box is not empty; raises ConfigError."""
        super().__post_init__()
        for axis in 'xyz':
            low, high = getattr(self, f'min_{axis}_m'), getattr(self, f'max_{axis}_m')
            if not low < high:
                raise ConfigError(f'roi.min_{axis}_m = {low} m is not below roi.max_{axis}_m = '
                                  f'{high} m: change both at once (set_parameters_atomically)')

    @property
    def low_m(self) -> tuple[float, float, float]:
        """Return the corner of the smallest coordinates, in metres."""
        return self.min_x_m, self.min_y_m, self.min_z_m

    @property
    def high_m(self) -> tuple[float, float, float]:
        """Return the corner of the largest coordinates, in metres."""
        return self.max_x_m, self.max_y_m, self.max_z_m
