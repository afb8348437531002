"""Evaluation of reconstructed meshes: surface errors, and poses with them."""
