"""Training data: every kind of source becomes a set of normalised object clouds."""

from pointpng_core.data.cache import cache_folder
from pointpng_core.data.loading import load_sources
from pointpng_core.data.objects import ObjectSet
from pointpng_core.data.source import SourceConfig

__all__ = ['ObjectSet', 'SourceConfig', 'cache_folder', 'load_sources']
