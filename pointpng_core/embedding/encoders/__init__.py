"""Encoders: from clouds to embeddings."""

from pointpng_core.embedding.encoders.harmonic import HarmonicConfig, HarmonicEncoder

__all__ = ['HarmonicConfig', 'HarmonicEncoder']
