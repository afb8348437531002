"""All options of the method for whole frames, as one YAML file gives them."""

from dataclasses import dataclass, field, replace

from pointpng_core.config import Config
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.pipeline import PipelineConfig
from pointpng_core.segmentation import SegmenterConfig


@dataclass(frozen=True, kw_only=True)
class FrameSettings(Config):
    """The keys of the YAML: estimator, segmenter and pipeline, each with its own options."""

    estimator: EstimatorConfig = field(default_factory=EstimatorConfig)
    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    pipeline: PipelineConfig = field(default_factory=PipelineConfig)

    def without_tracking(self) -> 'FrameSettings':
        """Return the same settings for frames that have nothing to do with each other."""
        tracking = replace(self.pipeline.tracking, enabled=False)
        return replace(self, pipeline=replace(self.pipeline, tracking=tracking))
