"""Final registration of the best hypotheses: exact ICP on all sampled points.

On a CPU one by one, with a search tree, which knows nothing of sides; views of surfaces whose
sides are known, and all on a GPU, at once. The result is the same but for rounding and for where
the normals come from (a tree fits its own).
"""

from collections.abc import Sequence

import numpy as np
import torch

from pointpng_core.observation import Observations
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.stack import ReferenceStack
from pointpng_core.registration.hypotheses import Hypotheses
from pointpng_core.registration.icp import align, gauss_newton
from pointpng_core.registration.sight import Sight
from pointpng_core.registration.surface_tree import REACH_DIAMETERS

STEPS = 6
"""Of all hypotheses alike: to ask which ones stand still would be to wait for the device."""
APPROACH_POINTS, APPROACH, EXACT_STEPS = 512, (0.02, 0.02, 0.02), 2
"""At once on a CPU, where exact neighbours are dear: steps to the surface of the look-up first, of
these tolerances in diameters."""
FIRST_POINTS, FIRST_STEPS, LAST_STEPS = 256, 10, 4
"""One by one: few points bring a pose near what all of them then settle on, at half the time."""


def polish(hypotheses: Hypotheses, observations: Observations, references: Sequence[Reference],
           stack: ReferenceStack, sight: Sight | None = None) -> Hypotheses:
    """Return the hypotheses registered by exact point-to-plane ICP on all sampled points.

    `stack` holds the same references; `sight` is that of single views.
    """
    if hypotheses.R.device.type != 'cpu':
        return polish_together(hypotheses, observations, stack, sight)
    if sight and bool(sight.outward[hypotheses.reference].any()):
        return _polish_views(hypotheses, observations, stack, sight)
    return polish_one_by_one(hypotheses, observations, references)


def _polish_views(hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
                  sight: Sight) -> Hypotheses:
    points = observations.points[hypotheses.observation, :APPROACH_POINTS]
    diameter = stack.diameter[hypotheses.reference]
    near = align(stack.field, hypotheses, points, [share * diameter for share in APPROACH], sight)
    return polish_together(near, observations, stack, sight, steps=EXACT_STEPS)


def polish_together(hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
                    sight: Sight | None = None, *, steps: int = STEPS) -> Hypotheses:
    """Return all hypotheses registered at once, on their device."""
    points = observations.points[hypotheses.observation]
    reach = REACH_DIAMETERS * stack.diameter[hypotheses.reference, None]
    for _ in range(steps):
        moved = hypotheses.transform(points)
        nearest, normals = stack.graph.look_up(hypotheses.reference, moved)
        offset = moved - nearest
        weight = (offset.norm(dim=-1) < reach).to(points)
        if sight:
            weight = weight * sight.kept(hypotheses, moved, normals)
        hypotheses = gauss_newton(hypotheses, moved, (offset * normals).sum(-1), normals, weight)
    return hypotheses


def polish_one_by_one(hypotheses: Hypotheses, observations: Observations,
                      references: Sequence[Reference]) -> Hypotheses:
    """Return the hypotheses registered by small_gicp, one after the other."""
    R, t = hypotheses.R.double().cpu().numpy(), hypotheses.t.double().cpu().numpy()
    for index, (owner, kind) in enumerate(zip(hypotheses.observation.tolist(),
                                              hypotheses.reference.tolist())):
        # A small cloud is repeated to fill its sample; once is enough here.
        points = observations.points[owner, :len(observations.clouds[owner])].cpu().numpy()
        start = np.eye(4)
        start[:3, :3], start[:3, 3] = R[index], t[index]
        reference = references[kind]
        moved = reference.tree.align(points[:FIRST_POINTS], start, steps=FIRST_STEPS,
                                     diameter_m=reference.diameter_m)
        moved = reference.tree.align(points, moved, steps=LAST_STEPS,
                                     diameter_m=reference.diameter_m)
        R[index], t[index] = moved[:3, :3], moved[:3, 3]
    return hypotheses.moved(torch.from_numpy(R).to(hypotheses.R),
                            torch.from_numpy(t).to(hypotheses.t))
