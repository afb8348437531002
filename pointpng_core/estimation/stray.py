"""Observations, views and models without the points that cannot be those of one object."""

from collections.abc import Sequence
import warnings

import numpy as np
from numpy.typing import NDArray

from pointpng_core.estimation.sensor import CloudLike
from pointpng_core.geometry.clouds import (
    PointCloud,
    main_rows,
    require_points,
    stray_points,
    stray_surface_points,
)
from pointpng_core.geometry.clouds.stray_points import StrayPoints
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.model_files import check_metres
from pointpng_core.reference.reference import Reference

NUMBERS = 'fiu'
"""Kinds of numpy types that coordinates may have."""


def observation_without(observation: CloudLike, references: Sequence[Reference]) -> PointCloud:
    """Return an observation without what can't belong to the largest of the references.

    Warns of what it leaves out. Raises CloudError for what is no cloud, or not in metres.
    """
    cloud = PointCloud.of(observation)
    if cloud.points.dtype.kind not in NUMBERS:
        return cloud                     # refused with all else that is no cloud
    check_metres('observation', cloud.points[main_rows(cloud.points)])
    return _kept(cloud, stray_points(cloud.points, max(
        (reference.diameter_m for reference in references), default=np.inf)))


def view_without(view: CloudLike) -> PointCloud:
    """Return a view that is to become a reference, as `observation_without`."""
    cloud = PointCloud.of(view)
    if cloud.points.dtype.kind not in NUMBERS:
        return cloud
    check_metres('view', cloud.points[main_rows(cloud.points)])
    return _kept(cloud, stray_surface_points(cloud.points))


def model_without(model: TriangleMesh | NDArray[np.floating], *, name: str
                  ) -> TriangleMesh | NDArray[np.floating]:
    """Return a mesh as it is, and points (N, 3) of a surface as `observation_without`."""
    if isinstance(model, TriangleMesh):
        return model
    points = require_points(model, least=1, what=f'model {name!r}')
    return _kept(PointCloud.of(points), stray_surface_points(points)).points


def _kept(cloud: PointCloud, found: StrayPoints) -> PointCloud:
    if found.warning is None:
        return cloud
    warnings.warn(found.warning, stacklevel=4)
    return PointCloud(points=cloud.points[found.kept], T_cloud_sensor=cloud.T_cloud_sensor)
