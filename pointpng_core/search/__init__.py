"""Global search for rotations in embedding space, without running an encoder again."""

from pointpng_core.search.exhaustive import RotationSearch
from pointpng_core.search.gradient import GradientSearch
from pointpng_core.search.peaks import distinct_peaks
from pointpng_core.search.views import search_views

__all__ = ['GradientSearch', 'RotationSearch', 'distinct_peaks', 'search_views']
