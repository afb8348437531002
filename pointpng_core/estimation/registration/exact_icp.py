"""Final registration of the best hypotheses: exact ICP on all sampled points.

On a CPU one by one, with search trees, which know nothing of sides; views of surfaces whose sides
are known, and all on a GPU, at once. The result is the same but for rounding and for where the
normals come from (a tree fits its own). Whole observations may be registered both ways: their
points onto the surface, and the surface's onto them.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.estimation.registration.icp import align
from pointpng_core.estimation.registration.observation_normals import CloudTable
from pointpng_core.estimation.registration.robust_icp import Counterparts, LookUp, settle
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.surface.kd_tree import REACH_DIAMETERS, SurfaceTree

STEPS, BOTH_WAYS_STEPS = 6, 8
"""Of all hypotheses alike: to ask which ones stand still would be to wait for the device."""
APPROACH_POINTS, APPROACH, EXACT_STEPS = 512, (0.02, 0.02, 0.02), 2
"""At once on a CPU, where exact neighbours are dear: steps to the surface of the look-up first, of
these tolerances in diameters."""
FIRST_POINTS, FIRST_STEPS, LAST_STEPS = 256, 10, 4
"""One by one: few points bring a pose near what all of them then settle on, at half the time."""
VIEW_STEPS = 3
"""One by one, of views: their many points all count, and undamped steps get further with them."""


def refine(hypotheses: Hypotheses, observations: Observations, references: Sequence[Reference],
           stack: ReferenceStack, front_facing: FrontFacing | None = None, *, both_ways: bool = False
           ) -> Hypotheses:
    """Return the hypotheses registered by exact point-to-plane ICP on all sampled points.

    `stack` holds the same references; `sight` is that of single views, None of whole surfaces,
    which alone are registered `both_ways`.
    """
    both_ways = both_ways and front_facing is None
    if hypotheses.R.device.type != 'cpu':
        return refine_batched(hypotheses, observations, stack, front_facing, both_ways=both_ways)
    if front_facing is None:
        return refine_full_surfaces(hypotheses, observations, references, both_ways=both_ways)
    if bool(front_facing.outward[hypotheses.reference].any()):
        return _polish_sided_views(hypotheses, observations, stack, front_facing)
    return refine_single_views(hypotheses, observations, references)


def _polish_sided_views(hypotheses: Hypotheses, observations: Observations,
                        stack: ReferenceStack, front_facing: FrontFacing) -> Hypotheses:
    points = observations.points[hypotheses.observation, :APPROACH_POINTS]
    diameter = stack.diameter[hypotheses.reference]
    near = align(stack.field, hypotheses, points, [share * diameter for share in APPROACH], front_facing)
    return refine_batched(near, observations, stack, front_facing, steps=EXACT_STEPS)


def refine_batched(hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
                    front_facing: FrontFacing | None = None, *, both_ways: bool = False,
                    steps: int | None = None) -> Hypotheses:
    """Return all hypotheses registered at once, on their device."""
    counterparts = Counterparts(
        surface=lambda poses, queries: stack.graph.look_up(poses.reference, queries),
        cloud=CloudTable.of(observations).look_up if both_ways else None,
        sample=stack.sample[hypotheses.reference] if both_ways else None,
        reach_m=REACH_DIAMETERS * stack.diameter[hypotheses.reference, None])
    return settle(hypotheses, observations.points[hypotheses.observation], counterparts,
                  steps=steps or (BOTH_WAYS_STEPS if both_ways else STEPS), front_facing=front_facing)


def refine_single_views(hypotheses: Hypotheses, observations: Observations,
                 references: Sequence[Reference]) -> Hypotheses:
    """Return hypotheses of views registered with search trees, one by one, on a CPU."""
    def refined(one: Hypotheses, points: Tensor, reference: Reference) -> Hypotheses:
        near = _approached(one, points[:FIRST_POINTS], reference, FIRST_STEPS)
        return settle(near, points[None], _counterparts(reference), steps=VIEW_STEPS)
    return _each(hypotheses, observations, references, refined)


def refine_full_surfaces(hypotheses: Hypotheses, observations: Observations,
                  references: Sequence[Reference], *, both_ways: bool = False) -> Hypotheses:
    """Return hypotheses of whole surfaces registered with search trees, one by one, on a CPU."""
    clouds: dict[int, SurfaceTree] = {}

    def refined(one: Hypotheses, points: Tensor, reference: Reference) -> Hypotheses:
        near = _approached(one, points[:FIRST_POINTS], reference, FIRST_STEPS)
        if not both_ways:
            return _approached(near, points, reference, LAST_STEPS)
        owner = int(one.observation)
        if owner not in clouds:
            clouds[owner] = SurfaceTree(points.numpy())
        return settle(near, points[None], _counterparts(reference, clouds[owner]),
                      steps=BOTH_WAYS_STEPS)
    return _each(hypotheses, observations, references, refined)


def _each(hypotheses: Hypotheses, observations: Observations, references: Sequence[Reference],
          refined: Callable[[Hypotheses, Tensor, Reference], Hypotheses]) -> Hypotheses:
    """Return the hypotheses after something was done to each (1,), given its points (n, 3)."""
    done = [hypotheses.take(torch.arange(0))]
    for index, (owner, kind) in enumerate(zip(hypotheses.observation.tolist(),
                                              hypotheses.reference.tolist())):
        # A small cloud is repeated to fill its sample; once is enough here.
        points = observations.points[owner, :len(observations.clouds[owner])]
        done.append(refined(hypotheses.take(torch.tensor([index])), points, references[kind]))
    return hypotheses.moved(torch.cat([one.R for one in done]),
                            torch.cat([one.t for one in done]))


def _approached(one: Hypotheses, points: Tensor, reference: Reference, steps: int) -> Hypotheses:
    start = np.eye(4)
    start[:3, :3], start[:3, 3] = one.R[0].numpy(), one.t[0].numpy()
    moved = reference.tree.align(points.numpy(), start, steps=steps,
                                 diameter_m=reference.diameter_m)
    T = torch.from_numpy(moved).to(one.R)
    return one.moved(T[None, :3, :3], T[None, :3, 3])


def _counterparts(reference: Reference, cloud: SurfaceTree | None = None) -> Counterparts:
    return Counterparts(
        surface=_look_up(reference.tree), cloud=_look_up(cloud) if cloud else None,
        sample=torch.from_numpy(reference.tree.sample)[None] if cloud else None,
        reach_m=torch.full((1, 1), REACH_DIAMETERS * reference.diameter_m))


def _look_up(tree: SurfaceTree) -> LookUp:
    """Return the look-up of one hypothesis."""
    def look_up(_: Hypotheses, queries: Tensor) -> tuple[Tensor, Tensor]:
        rows = tree.nearest(queries[0].numpy())
        nearest, normals = (torch.from_numpy(known[rows]) for known in (tree.points, tree.normals))
        return nearest[None], normals[None]
    return look_up
