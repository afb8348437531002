"""Final registration of the best hypotheses: exact ICP on all sampled points.

On a CPU one by one, with a search tree; elsewhere all at once, with the same result but for
rounding and for where the normals come from (a tree fits its own).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pointpng_core.observation import Observations
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.stack import ReferenceStack
from pointpng_core.registration.hypotheses import Hypotheses
from pointpng_core.registration.icp import gauss_newton
from pointpng_core.registration.sight import Sight
from pointpng_core.registration.surface_tree import REACH_DIAMETERS

STEPS = 6
"""Of all hypotheses alike: to ask which ones stand still would be to wait for the device."""
FIRST_POINTS = 256
PHASES = ((FIRST_POINTS, 6), (FIRST_POINTS, 4), (None, 4))
"""Points and steps, one by one: few points bring a pose near what all of them then settle on, at
half the time. Before each phase it is told anew which points lie on what faces the camera."""


def polish(hypotheses: Hypotheses, observations: Observations, references: Sequence[Reference],
           stack: ReferenceStack, sight: Sight | None = None) -> Hypotheses:
    """Return the hypotheses registered by exact point-to-plane ICP on all sampled points.

    `stack` holds the same references; `sight` is that of single views.
    """
    if hypotheses.R.device.type == 'cpu':
        return polish_one_by_one(hypotheses, observations, references, stack, sight)
    return polish_together(hypotheses, observations, stack, sight)


def polish_together(hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
                    sight: Sight | None = None) -> Hypotheses:
    """Return all hypotheses registered at once, on their device."""
    points = observations.points[hypotheses.observation]
    reach = REACH_DIAMETERS * stack.diameter[hypotheses.reference, None]
    for _ in range(STEPS):
        moved = hypotheses.transform(points)
        nearest, normals = stack.graph.look_up(hypotheses.reference, moved)
        offset = moved - nearest
        weight = (offset.norm(dim=-1) < reach).to(points)
        if sight:
            weight = weight * sight.kept(hypotheses, moved, normals)
        hypotheses = gauss_newton(hypotheses, moved, (offset * normals).sum(-1), normals, weight)
    return hypotheses


def polish_one_by_one(hypotheses: Hypotheses, observations: Observations,
                      references: Sequence[Reference], stack: ReferenceStack,
                      sight: Sight | None = None) -> Hypotheses:
    """Return the hypotheses registered by small_gicp, one after the other."""
    for count, steps in PHASES:
        points = observations.points[hypotheses.observation, :count]
        kept = torch.ones(points.shape[:2], dtype=torch.bool)
        if sight and len(hypotheses):
            moved = hypotheses.transform(points)
            _, normals = stack.field.look_up(hypotheses.reference, moved)
            kept = sight.kept(hypotheses, moved, normals)
        # A small cloud is repeated to fill its sample; once is enough here.
        sizes = [len(observations.clouds[owner]) for owner in hypotheses.observation.tolist()]
        hypotheses = _registered(hypotheses, [
            own[:size][flags[:size]] for own, flags, size in zip(points, kept, sizes)],
            references, steps)
    return hypotheses


def _registered(hypotheses: Hypotheses, points: Sequence[Tensor],
                references: Sequence[Reference], steps: int) -> Hypotheses:
    """Return hypotheses (H,) after some steps on their own points (n, 3)."""
    T = np.tile(np.eye(4), (len(hypotheses), 1, 1))
    T[:, :3, :3] = hypotheses.R.numpy()
    T[:, :3, 3] = hypotheses.t.numpy()
    for index, (kind, own) in enumerate(zip(hypotheses.reference.tolist(), points)):
        reference = references[kind]
        T[index] = reference.tree.align(own.numpy(), T[index], steps=steps,
                                        diameter_m=reference.diameter_m)
    return hypotheses.moved(torch.from_numpy(T[:, :3, :3]).to(hypotheses.R),
                            torch.from_numpy(T[:, :3, 3]).to(hypotheses.t))
