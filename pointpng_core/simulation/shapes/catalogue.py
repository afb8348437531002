"""The simulator's objects: household objects and tools of 6-25 cm, each with its true symmetry."""

from collections.abc import Callable
from dataclasses import dataclass
import functools

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.simulation.shapes import tools, vessels
from pointpng_core.simulation.shapes.solids import Solid, polygonise

NO_SYMMETRY = Symmetry()
ROUND = Rotational(axis=(0.0, 0.0, 1.0), order=CONTINUOUS)


def _flip(height_m: float) -> Rotational:
    """Return the rotation by 180 degrees about x at half the height: top and bottom are alike."""
    return Rotational(axis=(1.0, 0.0, 0.0), order=2, point=(0.0, 0.0, height_m / 2))


@dataclass(frozen=True, kw_only=True)
class CatalogueObject:
    """One kind of object: surface in metres (z up, standing on z = 0), symmetry, resting poses.

    `rests` are rotations (3, 3) object to table (z up) in which it lies stably on a flat surface.
    """

    name: str
    mesh: TriangleMesh
    symmetry: Symmetry
    rests: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    solid: Callable[[], Solid]
    symmetry: Symmetry = NO_SYMMETRY
    lying: tuple[tuple[str, float], ...] = ()


_RECIPES = {
    'mug': _Recipe(solid=vessels.mug),
    'bottle': _Recipe(solid=vessels.bottle, symmetry=Symmetry(elements=(ROUND,)),
                      lying=(('x', 90.0),)),
    'drill': _Recipe(solid=tools.drill),
    'bracket': _Recipe(solid=tools.bracket, lying=(('y', -90.0),)),
    'box': _Recipe(solid=vessels.carton, symmetry=Symmetry(elements=(
        Rotational(axis=(0.0, 0.0, 1.0), order=2), _flip(vessels.CARTON_HEIGHT_M))),
        lying=(('x', 90.0), ('y', 90.0))),
    'can': _Recipe(solid=vessels.can, symmetry=Symmetry(elements=(
        ROUND, _flip(vessels.CAN_HEIGHT_M))), lying=(('x', 90.0),)),
    'bowl': _Recipe(solid=vessels.bowl, symmetry=Symmetry(elements=(ROUND,))),
    'spray': _Recipe(solid=vessels.spray_bottle),
    'hammer': _Recipe(solid=tools.hammer),
}


def object_names() -> tuple[str, ...]:
    """Return the names of all objects in the catalogue."""
    return tuple(_RECIPES)


@functools.cache
def make_object(name: str) -> CatalogueObject:
    """Build one object of the catalogue (some 0.1 s, kept); raises ConfigError."""
    if name not in _RECIPES:
        raise ConfigError(f'no object {name!r} in the catalogue: choose from '
                          f'{", ".join(_RECIPES)}')
    recipe = _RECIPES[name]
    rests = (np.eye(3), *(_rotation(axis, angle_deg) for axis, angle_deg in recipe.lying))
    return CatalogueObject(name=name, mesh=polygonise(recipe.solid()), symmetry=recipe.symmetry,
                           rests=rests)


def _rotation(axis: str, angle_deg: float) -> NDArray[np.float64]:
    return Rotation.from_euler(axis, angle_deg, degrees=True).as_matrix()
