"""A symmetry in words that a person checks at a glance."""

import numpy as np

from pointpng_core.symmetry.group import CONTINUOUS, Rotational, Symmetry

ALONG = 0.9998
"""Cosine from which on (one degree) an axis is called by the letter of the frame's."""


def symmetry_in_words(symmetry: Symmetry) -> str:
    """Return what a symmetry means, axes named in the object's frame."""
    if not symmetry.elements:
        return 'none: every turn can be told'
    if symmetry.kind == 'spherical':
        return 'a sphere: no turn can be told'
    if symmetry.kind == 'axial':
        round_ = next(e for e in symmetry.elements if e.order == CONTINUOUS)
        flips = len(symmetry.transforms(steps=1)) > 1
        return _axis_in_words(round_) + (', either end up' if flips else '')
    parts = ' and '.join(_axis_in_words(element) for element in symmetry.elements)
    count = len(symmetry.transforms())
    return f'{parts} ({count} poses look alike)'


def _axis_in_words(element: Rotational) -> str:
    axis = _direction(np.array(element.axis))
    if element.order == CONTINUOUS:
        return f'round about {axis}'
    turn = f'{360 / element.order:.4g}'
    return f'alike after each {turn} degrees about {axis}'


def _direction(axis: np.ndarray) -> str:
    largest = int(np.abs(axis).argmax())
    if abs(axis[largest]) >= ALONG:
        return 'xyz'[largest]
    return f'({", ".join(f"{value:.2f}" for value in axis)})'
