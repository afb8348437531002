"""What one call of the estimator is given: observations, sampled and centred, and references."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.errors import CloudError
from pointpng_core.estimation.observation_kind import Viewpoint
from pointpng_core.estimation.sensor import Sensor
from pointpng_core.geometry.clouds import random_points, require_points
from pointpng_core.geometry.depth_noise import DepthNoise
from pointpng_core.geometry.so3 import frame_towards
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.reference import Reference
from pointpng_core.timing import StageTimer

LEAST_POINTS = 16
"""Fewer points determine no pose."""


@dataclass(frozen=True, kw_only=True)
class Observations:
    """O observations, each about its own centroid."""

    clouds: tuple[NDArray[np.float32], ...]
    """All finite points (N, 3) of each, in the frame they came in, metres."""
    centroids: NDArray[np.float64]
    """(O, 3) in that frame."""
    points: Tensor
    """(O, n, 3) a random sample of each, about its centroid; any leading part is one too.

    No larger than the largest cloud; a smaller one is repeated."""
    R_view: Tensor
    """(O, 3, 3) into the view frame, z towards the camera at the origin."""

    def __len__(self) -> int:
        return len(self.clouds)

    def take(self, index: Sequence[int]) -> 'Observations':
        """Return some of the observations."""
        rows = list(index)
        return Observations(clouds=tuple(self.clouds[row] for row in rows),
                            centroids=self.centroids[rows], points=self.points[rows],
                            R_view=self.R_view[rows])


def each_once(clouds: Sequence[NDArray[np.floating]]
              ) -> tuple[list[NDArray[np.floating]], list[int]]:
    """Return the arrays without those given again, and the row in them of each given one."""
    rows: dict[int, int] = {}
    owners = [rows.setdefault(id(cloud), len(rows)) for cloud in clouds]
    return list({id(cloud): cloud for cloud in clouds}.values()), owners


def prepare_observations(clouds: Sequence[NDArray[np.floating]], *, sample: int,
                         device: torch.device) -> Observations:
    """Check, centre and sample clouds (N, 3); raises CloudError naming the one at fault.

    An array that is given more than once is prepared once.
    """
    once, rows = each_once(clouds)
    if len(once) < len(clouds):
        return prepare_observations(once, sample=sample, device=device).take(rows)
    checked = tuple(require_points(cloud, least=LEAST_POINTS, what=f'observation {index}')
                    for index, cloud in enumerate(clouds))
    for index, cloud in enumerate(checked):
        if (cloud == cloud[0]).all():
            raise CloudError(f'observation {index}: all {len(cloud)} points lie at {cloud[0]}; '
                             'a surface is needed')
    centroids = np.stack([cloud.mean(axis=0, dtype=np.float64) for cloud in checked])
    sample = min(sample, max(len(cloud) for cloud in checked))
    samples = np.stack([random_points(cloud, sample) - centroid
                        for cloud, centroid in zip(checked, centroids)])
    points = torch.from_numpy(samples.astype(np.float32)).to(device)
    towards = torch.from_numpy(-centroids)
    return Observations(clouds=checked, centroids=centroids, points=points,
                        R_view=frame_towards(towards).float().to(device))


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one call of the estimator is given."""

    observations: Observations
    references: Sequence[Reference]
    stack: ReferenceStack
    """The same references, side by side in tensors."""
    scene_points: NDArray[np.floating] | None = None
    """(M, 3) points of the entire frame that the observations are part of."""
    sensor: Sensor = field(default_factory=lambda: Sensor(viewpoint=Viewpoint.AUTO))
    """Where it is in the caller's frame; everything here is in the sensor's."""
    depth_noise: DepthNoise
    """That of the camera, for single views."""
    timer: StageTimer = field(default_factory=StageTimer)
    reference_index: Sequence[int] = ()
    """For tracking and judging: which of the references each observation shows."""
    T_given: Sequence[NDArray[np.float64]] = ()
    """For tracking and judging: T_observation_reference (4, 4) for each observation."""

    def take(self, index: Sequence[int]) -> 'Request':
        """Return the request for some of the observations."""
        given = index if self.reference_index else ()
        return replace(self, observations=self.observations.take(index),
                       reference_index=[self.reference_index[row] for row in given],
                       T_given=[self.T_given[row] for row in given])
