"""Poses against every pixel of a depth image: the sharpest evidence that a frame holds."""

from pointpng_core.estimation.pixels.depth_view import DepthView
from pointpng_core.estimation.pixels.evidence import PixelEvidence
from pointpng_core.estimation.pixels.judge import PixelJudge, Posed
from pointpng_core.estimation.pixels.ranking import PixelRanking, with_pixels

__all__ = ['DepthView', 'PixelEvidence', 'PixelJudge', 'PixelRanking', 'Posed',
           'with_pixels']
