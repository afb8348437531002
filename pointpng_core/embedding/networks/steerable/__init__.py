"""Steerable Point-PNG: a network weighs what is put on the sphere, Wigner matrices turn it.

Tokens that no rotation changes weigh spherical harmonics of the points, so that the embedding
turns exactly, whatever the weights, and `WignerCope` predicts it exactly.
"""

from pointpng_core.embedding.networks.steerable.network import SteerablePng

__all__ = ['SteerablePng']
