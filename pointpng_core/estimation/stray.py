"""Observations without the points that cannot be those of any reference."""

from collections.abc import Sequence
import warnings

import numpy as np

from pointpng_core.estimation.sensor import CloudLike
from pointpng_core.geometry.clouds import PointCloud, stray_points
from pointpng_core.reference.reference import Reference


def without_stray_points(observation: CloudLike, references: Sequence[Reference]) -> PointCloud:
    """Return an observation without what can't belong to the largest of the references.

    Warns of what it leaves out. Raises CloudError for what is no cloud.
    """
    cloud = PointCloud.of(observation)
    found = stray_points(cloud.points, max((reference.diameter_m for reference in references),
                                           default=np.inf))
    if found.warning is None:
        return cloud
    warnings.warn(found.warning, stacklevel=3)
    return PointCloud(points=cloud.points[found.kept], T_cloud_sensor=cloud.T_cloud_sensor)
