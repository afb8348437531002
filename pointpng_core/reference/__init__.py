"""References: objects, known from a model or a single view, prepared for the search."""

from pointpng_core.reference.builder import ReferenceBuilder, ReferenceConfig
from pointpng_core.reference.reference import Reference

__all__ = ['Reference', 'ReferenceBuilder', 'ReferenceConfig']
