"""Configuration of the estimator, one part per stage."""

from dataclasses import dataclass, field, replace

from pointpng_core.config import Config, option
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.reference.builder import ReferenceConfig


@dataclass(frozen=True, kw_only=True)
class SearchConfig(Config):
    """The global search in embedding space."""

    rotations: int = option(3072, help='Rotations of the exhaustive grid on SO(3).',
                            low=64, high=200000)
    in_plane_rotations: int = option(36, help='Angles tried about the viewing direction.',
                                     low=8, high=720)
    sample: int = option(256, help='Points of a view that are embedded.', low=32, high=8192)
    full_surface_sample: int = option(1024, help='Points of a full surface that are embedded.',
                                      low=32, high=65536)
    hypotheses: int = option(36, help='Poses verified per view, for one reference.',
                             low=1, high=512)
    full_surface_hypotheses: int = option(12, help='Poses verified per full surface, for one '
                                                   'reference.', low=1, high=512)
    partial_surface_starts: int = option(128, help='Rotations, evenly over SO(3), from which a '
                                                   'partial surface is registered, for each '
                                                   'reference.', low=16, high=4096)
    more_per_reference: int = option(8, help='Further poses for each further reference.',
                                     low=1, high=512)
    apart_rad: float = option(0.3, help='Least distance between the poses of one reference.',
                              unit='rad', low=0.01, high=3.0)
    refine_steps: int = option(0, help='Ascent steps on each peak of the exhaustive search.',
                               low=0, high=20)
    method: str = option('exhaustive', help='How full surfaces are searched: every rotation '
                                            'of a grid, or descent from random starts.',
                         choices=('exhaustive', 'gradient'))
    starts: int = option(64, help='Gradient search: random rotations it starts from.',
                         low=1, high=100000)
    gradient_steps: int = option(20, help='Gradient search: steps from each start.',
                                 low=1, high=1000)
    step_rad: float = option(0.15, help='Gradient search: length of a step.', unit='rad',
                             low=1e-4, high=1.0)


@dataclass(frozen=True, kw_only=True)
class VerificationConfig(Config):
    """Registration on the points, and what counts as a fit."""

    coarse_points: int = option(128, help='Points of an observation in the coarse ICP.',
                                low=16, high=4096)
    fine_points: int = option(512, help='Points of an observation in the fine ICP.',
                              low=16, high=8192)
    keep: int = option(12, help='Poses per view that the fine ICP registers.', low=1, high=256)
    keep_per_reference: float = option(0.5, help='Further poses per view for each further '
                                                  'reference.', low=0.0, high=64.0)
    full_surface_keep: int = option(8, help='Poses per full or partial surface that the fine ICP '
                                            'registers.', low=1, high=256)
    tolerance: float = option(0.012, help='Distance from the surface within which a point fits.',
                              unit='diameters', low=1e-4, high=0.2)
    depth_tolerance: float = option(0.03, help='Error in depth beyond which a surface counts as '
                                               'not found.',
                                    unit='diameters', low=1e-3, high=0.5)
    refinement_candidates: int = option(2, help='Poses per observation refined by exact ICP.',
                                        low=0, high=64)
    bidirectional: bool = option(False, help='Whether exact ICP of full surfaces also registers '
                                             'the reference to the observation: some 10 ms for '
                                             'errors that are a fifth to two thirds smaller.')
    # 2.4 gives what an earlier rule of its own (.0015 m + .003 m/m^2) gave at 1 m, a tenth more at
    # .7 m and a third more at .5 m; poses of YCB views at .5 to .9 m are as good under either.
    noise_sigmas: float = option(2.4, help='Least value of both tolerances for a single view, in '
                                           'standard deviations of the depth noise.',
                                 low=0.0, high=20.0)


@dataclass(frozen=True, kw_only=True)
class PoseTrackingConfig(Config):
    """Tracking of one object from its previous pose, and when it counts as lost."""

    sample: int = option(512, help='Points of an observation that a tracked pose is refined on.',
                         low=64, high=65536)
    steps: int = option(3, help='ICP steps before the exact registration.', low=0, high=50)
    points: int = option(256, help='Points of an observation in these steps.', low=16, high=4096)
    reach: float = option(0.08, help='Distance at which points have lost most of their weight in '
                                     'the first step; each further one halves it.',
                          unit='diameters', low=0.001, high=1.0)
    least_score: float = option(0.3, help='A tracked pose with a lower score is lost.',
                                low=0.0, high=1.0)
    max_rotation_deg: float = option(25.0, help='A pose rotated further from the expected one is '
                                                'lost; rotations of its symmetry do not count.',
                                     unit='deg', low=0.0, high=180.0)
    max_shift: float = option(0.25, help='A pose shifted further from the expected one is lost.',
                              unit='diameters', low=0.0, high=10.0)


@dataclass(frozen=True, kw_only=True)
class EstimatorConfig(Config):
    """All options of the estimator."""

    sample: int = option(1024, help='Points of an observation that are used.',
                         low=64, high=65536)
    viewpoint: str = option(Viewpoint.AUTO.value,
                            help='What observations show: single views of a camera at the '
                                 'origin (sensor), full or partial surfaces (none), or either, '
                                 'decided for each observation (auto).',
                            choices=tuple(each.value for each in Viewpoint))
    reference: ReferenceConfig = field(default_factory=ReferenceConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    verification: VerificationConfig = field(default_factory=VerificationConfig)
    depth_noise: DepthNoise = field(default_factory=DepthNoise)
    tracking: PoseTrackingConfig = field(default_factory=PoseTrackingConfig)


def with_encoder_sample_size(config: EstimatorConfig, points: int) -> EstimatorConfig:
    """Return the configuration with all samples of the size that an encoder expects.

    `points` is that size, 0 for an encoder that takes any. It is clipped to the allowed range of
    the options; every encoder also accepts fewer points.
    """
    if not points:
        return config
    count = min(max(points, 64), 8192)
    return replace(config, sample=max(config.sample, count),
                   search=replace(config.search, sample=count, full_surface_sample=count),
                   reference=replace(config.reference, sample=count, full_surface_sample=count))
