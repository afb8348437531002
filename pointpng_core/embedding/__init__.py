"""Embeddings of clouds: encoders, networks, losses, and prediction under rotations (COPE)."""
