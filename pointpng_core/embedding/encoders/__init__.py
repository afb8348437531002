"""Encoders: clouds to embeddings, training-free or by a trained network."""

from pointpng_core.embedding.encoders.harmonic import HarmonicEncoder
from pointpng_core.embedding.shells import HarmonicConfig

__all__ = ['HarmonicConfig', 'HarmonicEncoder']
