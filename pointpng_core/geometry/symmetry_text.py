"""A symmetry as a short phrase, which people check."""

import numpy as np

from pointpng_core.geometry.symmetry import CONTINUOUS, Rotational, Symmetry

SAME_AXIS_COS = 0.9998
"""An axis within one degree of x, y or z of the frame is called by that letter."""


def symmetry_in_words(symmetry: Symmetry) -> str:
    """Return a description of a symmetry, with axes named in the object's frame."""
    if not symmetry.elements:
        return 'none: all rotations differ'
    if symmetry.kind == 'spherical':
        return 'sphere: any rotation'
    if symmetry.kind == 'axial':
        round_ = next(e for e in symmetry.elements if e.order == CONTINUOUS)
        flips = len(symmetry.transforms(steps=1)) > 1
        axis = _direction(np.array(round_.axis))
        return f'any rotation about {axis}' + (', either end up' if flips else '')
    orders = dict.fromkeys(element.order for element in symmetry.elements)
    parts = ' and '.join(_rotations_in_words(order, [element for element in symmetry.elements
                                                 if element.order == order]) for order in orders)
    return f'rotation by {parts} ({len(symmetry.transforms())} poses)'


def _rotations_in_words(order: int, elements: list[Rotational]) -> str:
    axes = ' or '.join(_direction(np.array(element.axis)) for element in elements)
    return f'{360 / order:.4g} degrees about {axes}'


def _direction(axis: np.ndarray) -> str:
    largest = int(np.abs(axis).argmax())
    if abs(axis[largest]) >= SAME_AXIS_COS:
        return 'xyz'[largest]
    return f'({", ".join(f"{value:.2f}" for value in axis)})'
