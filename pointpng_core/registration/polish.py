"""Final registration of the best hypotheses, one by one, on all sampled points."""

from collections.abc import Sequence

import numpy as np
import torch

from pointpng_core.observation import Observations
from pointpng_core.reference.reference import Reference
from pointpng_core.registration.hypotheses import Hypotheses


def polish(hypotheses: Hypotheses, observations: Observations, references: Sequence[Reference]
           ) -> Hypotheses:
    """Return the hypotheses registered by exact point-to-plane ICP on all sampled points."""
    R, t = hypotheses.R.double().cpu().numpy(), hypotheses.t.double().cpu().numpy()
    for index, (owner, kind) in enumerate(zip(hypotheses.observation.tolist(),
                                              hypotheses.reference.tolist())):
        # A small cloud is repeated to fill its sample; once is enough here.
        points = observations.points[owner, :len(observations.clouds[owner])].cpu().numpy()
        start = np.eye(4)
        start[:3, :3], start[:3, 3] = R[index], t[index]
        reference = references[kind]
        moved = reference.tree.align(points, start, diameter_m=reference.diameter_m)
        R[index], t[index] = moved[:3, :3], moved[:3, 3]
    return hypotheses.moved(torch.from_numpy(R).to(hypotheses.R),
                            torch.from_numpy(t).to(hypotheses.t))
