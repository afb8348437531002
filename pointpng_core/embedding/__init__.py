"""Encoders: from clouds to embeddings."""

from pointpng_core.embedding.harmonic import HarmonicConfig, HarmonicEncoder

__all__ = ['HarmonicConfig', 'HarmonicEncoder']
