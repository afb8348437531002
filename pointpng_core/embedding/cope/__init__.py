"""Conditional predictors: how an embedding moves under a rotation."""

from pointpng_core.embedding.cope.wigner import WignerCope

__all__ = ['WignerCope']
