"""From stored objects to what a network sees: draws, views, noise and rotations, in batches.

Every random number comes from a generator that is handed in.
"""

from pointpng_core.training.augmentation.config import AugmentConfig
from pointpng_core.training.augmentation.rotated_views import random_views

__all__ = ['AugmentConfig', 'random_views']
