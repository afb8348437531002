"""Encoders: clouds to embeddings, training-free or by a trained network."""

from pointpng_core.embedding.encoders.harmonic import HarmonicConfig, HarmonicEncoder

__all__ = ['HarmonicConfig', 'HarmonicEncoder']
