"""Training data: sources of any kind, read as sets of normalised object clouds."""

from pointpng_core.training.data.cache import cache_folder
from pointpng_core.training.data.loading import load_sources
from pointpng_core.training.data.objects import ObjectSet
from pointpng_core.training.data.source_config import SourceConfig

__all__ = ['ObjectSet', 'SourceConfig', 'cache_folder', 'load_sources']
