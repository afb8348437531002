"""Embeddings of clouds (encoders, networks, losses) and their prediction under rotations (COPE)."""
