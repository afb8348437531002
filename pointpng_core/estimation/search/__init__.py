"""Global search for rotations in embedding space, without running an encoder again."""

from pointpng_core.estimation.search.gradient import GradientSearch
from pointpng_core.estimation.search.non_maximum_suppression import non_maximum_suppression
from pointpng_core.estimation.search.so3_grid import RotationSearch
from pointpng_core.estimation.search.view_matching import search_views

__all__ = ['GradientSearch', 'RotationSearch', 'non_maximum_suppression', 'search_views']
