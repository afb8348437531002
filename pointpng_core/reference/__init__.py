"""References: models or first looks, prepared for the search."""

from pointpng_core.reference.builder import ReferenceBuilder, ReferenceConfig
from pointpng_core.reference.reference import Reference

__all__ = ['Reference', 'ReferenceBuilder', 'ReferenceConfig']
