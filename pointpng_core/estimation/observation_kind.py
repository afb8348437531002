"""What an observation shows of an object, and what a caller may say about it in advance."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError, ConfigError


class ObservationKind(Enum):
    """Which part of an object's surface an observation shows."""

    SINGLE_VIEW = 'single_view'
    """What a camera at the origin sees."""
    FULL_SURFACE = 'full_surface'
    """The surface from all sides."""
    PARTIAL_SURFACE = 'partial_surface'
    """The surface from several sides, with an unknown part missing."""


class Viewpoint(str, Enum):
    """What a caller knows of all observations; configurations hold the value, a plain string."""

    AUTO = 'auto'
    """Nothing: the kind of each observation is decided by how well the object fits."""
    SENSOR = 'sensor'
    """They are single views of a camera at the origin."""
    NONE = 'none'
    """They are full or partial surfaces."""

    @classmethod
    def of(cls, name: str) -> 'Viewpoint':
        """Return the viewpoint with this value; a viewpoint is its own. Raises ConfigError."""
        try:
            return cls(name)
        except ValueError as error:
            raise ConfigError(f'viewpoint = {name!r}: choose one of '
                              f'{", ".join(each.value for each in cls)}') from error


def may_be_single_view(cloud: NDArray[np.float32], viewpoint: Viewpoint) -> bool:
    """Return whether to take points (N, 3) for one view of a camera at the origin.

    Raises CloudError for a viewpoint of SENSOR where there can be no camera.
    """
    if viewpoint is Viewpoint.SENSOR and not np.linalg.norm(cloud.mean(axis=0)) > 0:
        raise CloudError('the points surround the origin, where the camera should be; give '
                         'them in the frame of the camera, or set viewpoint to none')
    return seen_from_outside(cloud) if viewpoint is Viewpoint.AUTO \
        else viewpoint is Viewpoint.SENSOR


def may_be_surface(viewpoint: Viewpoint) -> bool:
    """Return whether to take observations for full or partial surfaces."""
    return viewpoint is not Viewpoint.SENSOR


def seen_from_outside(cloud: NDArray[np.float32]) -> bool:
    """Return whether points (N, 3) may be a view from the origin: it lies outside of them."""
    centroid = cloud.mean(axis=0, dtype=np.float64)
    radius = np.linalg.norm(cloud - centroid, axis=1).max()
    return bool(np.linalg.norm(centroid) > radius)
