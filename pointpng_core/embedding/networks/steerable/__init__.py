"""Steerable Point-PNG: an exactly equivariant embedding from rotation-invariant tokens.

The tokens of a transformer weight spherical harmonics of the points. As the tokens are invariant,
the embedding transforms by Wigner matrices whatever the weights, and `WignerCope` is its exact
predictor.
"""

from pointpng_core.embedding.networks.steerable.network import SteerablePng

__all__ = ['SteerablePng']
