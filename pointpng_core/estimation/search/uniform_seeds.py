"""Starts all around, for surfaces of which too much is missing for their embedding to tell."""

import torch

from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.geometry.so3 import rotation_grid


def spread_hypotheses(observations: Observations, *, references: int, count: int) -> Hypotheses:
    """Return `count` rotations, evenly over SO(3), of each of so many references.

    Equally many per observation and in its order; centroids lie on the references' centres.
    """
    device = observations.points.device
    R = rotation_grid(count).to(device)
    owners = torch.arange(len(observations), device=device)
    kinds = torch.arange(references, device=device)
    pairs = torch.cartesian_prod(owners, kinds, torch.arange(count, device=device))
    return Hypotheses(observation=pairs[:, 0], reference=pairs[:, 1], R=R[pairs[:, 2]],
                      t=R.new_zeros(len(pairs), 3))
