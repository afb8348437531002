"""Augmentation of objects in batches: point samples, crops, camera views, noise and rotations.

All random numbers come from the generator that is passed in.
"""

from pointpng_core.training.augmentation.config import AugmentConfig
from pointpng_core.training.augmentation.rotated_views import random_views

__all__ = ['AugmentConfig', 'random_views']
