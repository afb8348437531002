"""Final registration of the best hypotheses, one by one, on all sampled points."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.observation import Observations
from pointpng_core.reference.reference import Reference
from pointpng_core.registration.gicp import GicpCloud
from pointpng_core.registration.hypotheses import Hypotheses


def polish(hypotheses: Hypotheses, chosen: Tensor, observations: Observations,
           references: Sequence[Reference]) -> Hypotheses:
    """Return the hypotheses with the chosen ones (K,) registered by GICP on all sampled points."""
    R, t = hypotheses.R.clone(), hypotheses.t.clone()
    sources: dict[int, GicpCloud] = {}
    for index in chosen.tolist():
        observation = int(hypotheses.observation[index])
        if observation not in sources:
            sources[observation] = GicpCloud(_distinct(observations, observation))
        reference = references[int(hypotheses.reference[index])]
        start = np.eye(4)
        start[:3, :3], start[:3, 3] = R[index].cpu().numpy(), t[index].cpu().numpy()
        moved = reference.gicp.align(sources[observation], start, diameter_m=reference.diameter_m)
        R[index] = torch.from_numpy(moved[:3, :3]).to(R)
        t[index] = torch.from_numpy(moved[:3, 3]).to(t)
    return hypotheses.moved(R, t)


def _distinct(observations: Observations, index: int) -> NDArray[np.float32]:
    """Return the sampled points of an observation without the repetitions of a small cloud."""
    points = observations.points[index].cpu().numpy()
    return points[:len(observations.clouds[index])]
