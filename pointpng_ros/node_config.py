"""Configuration of the pose_estimator node itself; the core's configs are nested beside it."""

from dataclasses import dataclass

from pointpng_core.config import Config, option

RELIABILITIES = ('best_effort', 'reliable')


@dataclass(frozen=True, kw_only=True)
class NodeConfig(Config):
    """Parameters without a prefix of the pose_estimator node."""

    cloud_topic: str = option(
        '/camera/depth/points', help='PointCloud2 topic to subscribe.')
    cloud_reliability: str = option(
        'best_effort', choices=RELIABILITIES,
        help='Reliability asked of the cloud publisher. best_effort matches every publisher but '
             'loses clouds larger than its shared-memory segment; reliable loses none but never '
             'matches a best-effort publisher.')
    objects: str = option(
        '', help='Folder of the object library (objects.yaml). Empty: the objects of the first '
                 'cloud become the references object_0, object_1, ...')
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
    publish_tf: bool = option(
        False, help='Broadcast every pose on /tf as well (needs tf2_ros).')
    publish_detections: bool = option(
        False, help='Publish vision_msgs/Detection3DArray on /pointpng/detections as well '
                    '(needs vision_msgs).')
    max_age_s: float = option(
        0.0, unit='s', low=0.0, high=3600.0,
        help='Clouds whose stamp is older than this are dropped; 0 accepts any age, as replayed '
             'bags need.')
    max_points: int = option(
        8_000_000, low=1, high=100_000_000, help='Clouds of more points are refused.')
    cloud_timeout_s: float = option(
        5.0, unit='s', low=0.5, high=3600.0,
        help='Silence on the cloud topic after which the log explains why.')
    diagnostics_period_s: float = option(
        1.0, unit='s', low=0.1, high=60.0, help='Period of /diagnostics.')
    marker_points: int = option(
        300, low=0, high=10_000, help='Points shown for each object in the markers.')
