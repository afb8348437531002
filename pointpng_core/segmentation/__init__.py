"""Segmentation of a point cloud into supports and the objects that stand on them."""

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.image_segmenter import (
    segment_finer,
    segment_image,
    smoothed_image,
)
from pointpng_core.segmentation.plane_detection import Plane
from pointpng_core.segmentation.scene import Scene, Segment
from pointpng_core.segmentation.segmenter import segment_scene
from pointpng_core.segmentation.supports import (
    Candidate,
    Role,
    SupportChoice,
    SupportKind,
    find_supports,
)

__all__ = ['Candidate', 'Plane', 'Role', 'Scene', 'Segment', 'SegmenterConfig', 'SupportChoice',
           'SupportKind', 'find_supports', 'segment_finer', 'segment_image', 'segment_scene',
           'smoothed_image']
