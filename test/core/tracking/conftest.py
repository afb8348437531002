"""Pipelines for sequences of frames."""

import pytest

from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.tracking.config import TrackingConfig


@pytest.fixture
def make_pipeline(estimator, reference):
    def make(*names, **tracking):
        return FramePipeline(estimator=estimator, segmenter=SegmenterConfig(),
                             references=[reference(name) for name in names],
                             config=PipelineConfig(min_confidence=0.5,
                                                   tracking=TrackingConfig(**tracking)))
    return make
