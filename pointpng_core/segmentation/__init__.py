"""Segmentation of a point cloud into the table and the objects that stand on it."""

from pointpng_core.segmentation.config import SegmenterConfig
from pointpng_core.segmentation.plane_detection import Plane
from pointpng_core.segmentation.segmenter import Scene, Segment, segment_scene

__all__ = ['Plane', 'Scene', 'Segment', 'SegmenterConfig', 'segment_scene']
