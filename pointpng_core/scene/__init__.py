"""The scene: the table and the objects that stand on it, from a point cloud in metres."""

from pointpng_core.scene.config import SegmenterConfig
from pointpng_core.scene.plane import Plane
from pointpng_core.scene.segmenter import Scene, Segment, segment_scene

__all__ = ['Plane', 'Scene', 'Segment', 'SegmenterConfig', 'segment_scene']
