"""Final registration of the best hypotheses: exact ICP on all sampled points.

On a CPU one by one, with search trees, which know nothing of sides; views of surfaces whose sides
are known, and all on a GPU, at once. The result is the same but for rounding and for where the
normals come from (a tree fits its own). Whole observations are registered both ways: their points
onto the surface, and the surface's onto them.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pointpng_core.observation import Observations
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.stack import ReferenceStack
from pointpng_core.registration.cloud_table import CloudTable
from pointpng_core.registration.hypotheses import Hypotheses
from pointpng_core.registration.icp import align
from pointpng_core.registration.settling import Counterparts, LookUp, settle
from pointpng_core.registration.sight import Sight
from pointpng_core.registration.surface_tree import REACH_DIAMETERS, SurfaceTree

STEPS, BOTH_WAYS_STEPS = 6, 8
"""Of all hypotheses alike: to ask which ones stand still would be to wait for the device."""
APPROACH_POINTS, APPROACH, EXACT_STEPS = 512, (0.02, 0.02, 0.02), 2
"""At once on a CPU, where exact neighbours are dear: steps to the surface of the look-up first, of
these tolerances in diameters."""
FIRST_POINTS, FIRST_STEPS = 256, 10
"""One by one: few points bring a pose near what all of them then settle on, at half the time."""


def polish(hypotheses: Hypotheses, observations: Observations, references: Sequence[Reference],
           stack: ReferenceStack, sight: Sight | None = None) -> Hypotheses:
    """Return the hypotheses registered by exact point-to-plane ICP on all sampled points.

    `stack` holds the same references; `sight` is that of single views, None of whole surfaces.
    """
    both_ways = sight is None
    if hypotheses.R.device.type != 'cpu':
        return polish_together(hypotheses, observations, stack, sight, both_ways=both_ways)
    if sight and bool(sight.outward[hypotheses.reference].any()):
        return _polish_views(hypotheses, observations, stack, sight)
    return polish_one_by_one(hypotheses, observations, references, both_ways=both_ways)


def _polish_views(hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
                  sight: Sight) -> Hypotheses:
    points = observations.points[hypotheses.observation, :APPROACH_POINTS]
    diameter = stack.diameter[hypotheses.reference]
    near = align(stack.field, hypotheses, points, [share * diameter for share in APPROACH], sight)
    return polish_together(near, observations, stack, sight, steps=EXACT_STEPS)


def polish_together(hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
                    sight: Sight | None = None, *, both_ways: bool = False,
                    steps: int | None = None) -> Hypotheses:
    """Return all hypotheses registered at once, on their device."""
    counterparts = Counterparts(
        surface=lambda poses, queries: stack.graph.look_up(poses.reference, queries),
        cloud=CloudTable.of(observations).look_up if both_ways else None,
        sample=stack.sample[hypotheses.reference] if both_ways else None,
        reach_m=REACH_DIAMETERS * stack.diameter[hypotheses.reference, None])
    return settle(hypotheses, observations.points[hypotheses.observation], counterparts,
                  steps=steps or (BOTH_WAYS_STEPS if both_ways else STEPS), sight=sight)


def polish_one_by_one(hypotheses: Hypotheses, observations: Observations,
                      references: Sequence[Reference], *, both_ways: bool = False) -> Hypotheses:
    """Return the hypotheses registered with search trees, one after the other, on a CPU."""
    # A small cloud is repeated to fill its sample; once is enough here.
    points = {owner: observations.points[owner, :len(observations.clouds[owner])]
              for owner in set(hypotheses.observation.tolist())}
    clouds = {owner: SurfaceTree(own.numpy()) for owner, own in points.items()} \
        if both_ways else {}
    done = [_polished(hypotheses.take(index), points[owner], references[kind],
                      clouds.get(owner))
            for index, owner, kind in zip(torch.arange(len(hypotheses))[:, None],
                                          hypotheses.observation.tolist(),
                                          hypotheses.reference.tolist())]
    return hypotheses.moved(torch.cat([hypotheses.R[:0], *(one.R for one in done)]),
                            torch.cat([hypotheses.t[:0], *(one.t for one in done)]))


def _polished(one: Hypotheses, points: Tensor, reference: Reference, cloud: SurfaceTree | None
              ) -> Hypotheses:
    """Return one hypothesis (1,) registered; points (n, 3)."""
    counterparts = Counterparts(
        surface=_tree_look_up(reference.tree), cloud=_tree_look_up(cloud) if cloud else None,
        sample=torch.from_numpy(reference.tree.sample)[None] if cloud else None,
        reach_m=torch.full((1, 1), REACH_DIAMETERS * reference.diameter_m))
    near = _approached(one, points[:FIRST_POINTS].numpy(), reference)
    return settle(near, points[None], counterparts, steps=BOTH_WAYS_STEPS if cloud else STEPS)


def _approached(one: Hypotheses, points: np.ndarray, reference: Reference) -> Hypotheses:
    start = np.eye(4)
    start[:3, :3], start[:3, 3] = one.R[0].numpy(), one.t[0].numpy()
    moved = torch.from_numpy(reference.tree.align(points, start, steps=FIRST_STEPS,
                                                  diameter_m=reference.diameter_m)).to(one.R)
    return one.moved(moved[None, :3, :3], moved[None, :3, 3])


def _tree_look_up(tree: SurfaceTree) -> LookUp:
    """Return the look-up of one hypothesis."""
    def look_up(_: Hypotheses, queries: Tensor) -> tuple[Tensor, Tensor]:
        rows = tree.nearest(queries[0].numpy())
        nearest, normals = (torch.from_numpy(known[rows]) for known in (tree.points, tree.normals))
        return nearest[None], normals[None]
    return look_up
