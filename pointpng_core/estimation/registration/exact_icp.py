"""Refinement of the best hypotheses by point-to-plane ICP with exact nearest neighbours.

| observation | CPU | GPU |
|---|---|---|
| view, sides of the reference known | batched, after an approach on the look-up | batched |
| view, sides unknown | one by one, with search trees | batched |
| full or partial surface | one by one, with search trees | batched |

Both ways agree up to rounding and the normals: a search tree fits its own. Full surfaces may be
registered bidirectionally, points to surface and surface to points, by `robust_icp`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.front_facing import FrontFacing
from pointpng_core.estimation.registration.icp import align
from pointpng_core.estimation.registration.robust_icp import (
    CloudNeighbours,
    Correspondences,
    LookUp,
    robust_icp,
)
from pointpng_core.reference.batch import ReferenceStack
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.surface.kd_tree import REACH_DIAMETERS, SurfaceTree

STEPS, BIDIRECTIONAL_STEPS = 6, 8
"""Steps of a batch, the same for all hypotheses: to ask which of them have converged would be to
wait for the device."""
APPROACH_POINTS, APPROACH, STEPS_AFTER_APPROACH = 512, (0.02, 0.02, 0.02), 2
"""A batch on a CPU, where exact neighbours are expensive: first steps on the look-up, with these
tolerances in diameters."""
FIRST_POINTS, FIRST_STEPS, LAST_STEPS = 256, 10, 4
"""One by one: few points bring a pose near the optimum of all points, in half the time."""
VIEW_STEPS = 3
"""One by one, for views: all of their many points count, and undamped steps converge faster."""


def refine_views(hypotheses: Hypotheses, observations: Observations,
                 references: Sequence[Reference], stack: ReferenceStack,
                 front_facing: FrontFacing) -> Hypotheses:
    """Return hypotheses of single views, refined on the sampled points that face the camera.

    `stack` is of the same references.
    """
    if hypotheses.observation.device.type != 'cpu':
        return refine_batched(hypotheses, observations, stack, front_facing)
    if bool(front_facing.outward[hypotheses.reference].any()):
        return _refine_after_approach(hypotheses, observations, stack, front_facing)
    return refine_views_with_trees(hypotheses, observations, references)


def refine_surfaces(hypotheses: Hypotheses, observations: Observations,
                    references: Sequence[Reference], stack: ReferenceStack, *,
                    bidirectional: bool = False) -> Hypotheses:
    """Return hypotheses of full or partial surfaces, refined on all sampled points.

    `stack` is of the same references.
    """
    if hypotheses.observation.device.type != 'cpu':
        return refine_batched(hypotheses, observations, stack, bidirectional=bidirectional)
    return refine_surfaces_with_trees(hypotheses, observations, references,
                                      bidirectional=bidirectional)


def _refine_after_approach(hypotheses: Hypotheses, observations: Observations,
                           stack: ReferenceStack, front_facing: FrontFacing) -> Hypotheses:
    points = observations.points[hypotheses.observation, :APPROACH_POINTS]
    diameter = stack.diameter[hypotheses.reference]
    near = align(stack.field, hypotheses, points, [share * diameter for share in APPROACH],
                 front_facing)
    return refine_batched(near, observations, stack, front_facing, steps=STEPS_AFTER_APPROACH)


def refine_batched(hypotheses: Hypotheses, observations: Observations, stack: ReferenceStack,
                   front_facing: FrontFacing | None = None, *, bidirectional: bool = False,
                   steps: int | None = None) -> Hypotheses:
    """Return all hypotheses refined in one batch, on their device."""
    correspondences = Correspondences(
        surface=lambda poses, queries: stack.graph.look_up(poses.reference, queries),
        cloud=CloudNeighbours.of(observations).look_up if bidirectional else None,
        sample=stack.sample[hypotheses.reference] if bidirectional else None,
        reach_m=REACH_DIAMETERS * stack.diameter[hypotheses.reference, None])
    return robust_icp(hypotheses, observations.points[hypotheses.observation], correspondences,
                      steps=steps or (BIDIRECTIONAL_STEPS if bidirectional else STEPS),
                      front_facing=front_facing)


def refine_views_with_trees(hypotheses: Hypotheses, observations: Observations,
                            references: Sequence[Reference]) -> Hypotheses:
    """Return hypotheses of views refined one by one with search trees, on a CPU."""
    def refined(one: Hypotheses, points: Tensor, reference: Reference) -> Hypotheses:
        near = _tree_icp(one, points[:FIRST_POINTS], reference, FIRST_STEPS)
        return robust_icp(near, points[None], _correspondences(reference), steps=VIEW_STEPS)
    return _each(hypotheses, observations, references, refined)


def refine_surfaces_with_trees(hypotheses: Hypotheses, observations: Observations,
                               references: Sequence[Reference], *, bidirectional: bool = False
                               ) -> Hypotheses:
    """Return hypotheses of surfaces refined one by one with search trees, on a CPU."""
    clouds: dict[int, SurfaceTree] = {}

    def refined(one: Hypotheses, points: Tensor, reference: Reference) -> Hypotheses:
        near = _tree_icp(one, points[:FIRST_POINTS], reference, FIRST_STEPS)
        if not bidirectional:
            return _tree_icp(near, points, reference, LAST_STEPS)
        owner = int(one.observation)
        if owner not in clouds:
            clouds[owner] = SurfaceTree(points.numpy())
        return robust_icp(near, points[None], _correspondences(reference, clouds[owner]),
                          steps=BIDIRECTIONAL_STEPS)
    return _each(hypotheses, observations, references, refined)


def _each(hypotheses: Hypotheses, observations: Observations, references: Sequence[Reference],
          refined: Callable[[Hypotheses, Tensor, Reference], Hypotheses]) -> Hypotheses:
    """Return the hypotheses after each (1,) was refined, given its points (n, 3)."""
    done = [hypotheses.take(torch.arange(0))]
    for index, (owner, row) in enumerate(zip(hypotheses.observation.tolist(),
                                             hypotheses.reference.tolist())):
        # A small cloud is repeated to fill its sample; once is enough here.
        points = observations.points[owner, :len(observations.clouds[owner])]
        done.append(refined(hypotheses.take(torch.tensor([index])), points, references[row]))
    return hypotheses.moved(torch.cat([one.R_reference_observation for one in done]),
                            torch.cat([one.t_reference_observation for one in done]))


def _tree_icp(one: Hypotheses, points: Tensor, reference: Reference, steps: int) -> Hypotheses:
    """Return one hypothesis (1,) after damped steps with the search tree of its reference."""
    start = np.eye(4)
    start[:3, :3] = one.R_reference_observation[0].numpy()
    start[:3, 3] = one.t_reference_observation[0].numpy()
    moved = reference.tree.align(points.numpy(), start, steps=steps,
                                 diameter_m=reference.diameter_m)
    T = torch.from_numpy(moved).to(one.R_reference_observation)
    return one.moved(T[None, :3, :3], T[None, :3, 3])


def _correspondences(reference: Reference, cloud: SurfaceTree | None = None) -> Correspondences:
    return Correspondences(
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
