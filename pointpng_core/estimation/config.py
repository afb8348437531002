"""Configuration of the estimator, one part per stage."""

from dataclasses import dataclass, field, replace

from pointpng_core.config import Config, option
from pointpng_core.estimation.registration.local_refinement import PoseTrackingConfig
from pointpng_core.estimation.search.proposals import SearchConfig
from pointpng_core.estimation.verification.verifier import VerificationConfig
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.reference.builder import ReferenceConfig


@dataclass(frozen=True, kw_only=True)
class EstimatorConfig(Config):
    """Everything the estimator can be told."""

    sample: int = option(1024, help='Points of an observation that are used at all.',
                         low=64, high=65536)
    viewpoint: str = option('auto', help='What observations are: single views of a camera at the '
                                         'origin (sensor), surfaces, whole or with a part '
                                         'missing (none), or told apart by looking (auto).',
                            choices=('auto', 'sensor', 'none'))
    reference: ReferenceConfig = field(default_factory=ReferenceConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    verification: VerificationConfig = field(default_factory=VerificationConfig)
    depth_noise: DepthNoise = field(default_factory=DepthNoise)
    tracking: PoseTrackingConfig = field(default_factory=PoseTrackingConfig)


def with_encoder_sample_size(config: EstimatorConfig, points: int) -> EstimatorConfig:
    """Give an encoder the number of points that it wants, if any, of whatever it embeds.

    The limits are those of the samples' declarations; an encoder makes do with fewer points.
    """
    if not points:
        return config
    count = min(max(points, 64), 8192)
    return replace(config, sample=max(config.sample, count),
                   search=replace(config.search, sample=count, whole_sample=count),
                   reference=replace(config.reference, sample=count, whole_sample=count))
