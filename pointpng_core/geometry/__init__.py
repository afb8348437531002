"""Rotational symmetries: groups of motions, and finding them in a surface (`discovery`)."""

from pointpng_core.geometry.symmetry import CONTINUOUS, MAX_ORDER, Rotational, Symmetry

__all__ = ['CONTINUOUS', 'MAX_ORDER', 'Rotational', 'Symmetry']
