"""Relative 6-DoF poses from point clouds, without ROS.

    from pointpng_core import PoseEstimator, read_cloud, read_model

The names below are loaded when they are first used: torch alone takes a second to import, which
`pointpng --help` need not wait for.
"""

import importlib
from typing import Any

__version__ = '0.1.0'

_HOMES = {
    'DepthNoise': 'pointpng_core.geometry.depth_noise',
    'EmbeddingModel': 'pointpng_core.embedding.model_zoo',
    'EstimatorConfig': 'pointpng_core.estimation.config',
    'FixedViewpoint': 'pointpng_core.geometry.clouds',
    'FramePipeline': 'pointpng_core.pipeline',
    'PipelineConfig': 'pointpng_core.pipeline',
    'PinholeCamera': 'pointpng_core.geometry.pinhole',
    'PointCloud': 'pointpng_core.geometry.clouds.point_cloud',
    'PoseEstimate': 'pointpng_core.estimation.types',
    'PoseEstimator': 'pointpng_core.estimator',
    'Reference': 'pointpng_core.reference',
    'SegmenterConfig': 'pointpng_core.segmentation',
    'Symmetry': 'pointpng_core.geometry',
    'TriangleMesh': 'pointpng_core.io',
    'load_library': 'pointpng_core.io.object_library',
    'load_model': 'pointpng_core.embedding.model_zoo',
    'read_camera': 'pointpng_core.io',
    'read_cloud': 'pointpng_core.io',
    'read_depth': 'pointpng_core.io',
    'read_mask': 'pointpng_core.io',
    'read_model': 'pointpng_core.io',
    'read_point_cloud': 'pointpng_core.io',
    'segment_scene': 'pointpng_core.segmentation',
}

__all__ = ['__version__', *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Import a public name from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(_HOMES[name]), name)
