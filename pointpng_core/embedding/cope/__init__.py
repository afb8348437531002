"""Conditional predictors (COPE): Theta_g z, the embedding of a cloud rotated by g."""

from pointpng_core.embedding.cope.wigner import WignerCope

__all__ = ['WignerCope']
