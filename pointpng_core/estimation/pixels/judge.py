"""Poses of references, refined on the pixels of a depth image and judged by them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
import roma
import torch
from torch import Tensor

from pointpng_core.estimation.pixels.depth_view import DepthView
from pointpng_core.estimation.pixels.drawing import Drawing, draw
from pointpng_core.estimation.pixels.evidence import (
    STEEPEST,
    PixelEvidence,
    pixel_evidence,
    pixel_support,
)
from pointpng_core.estimation.pixels.surface_samples import SurfaceSamples
from pointpng_core.reference.reference import Reference

STEPS = ((12.0, 8), (6.0, 8), (4.0, 4), (3.0, 2))
"""Steps of a registration: deviations within which pixels count, from what a search leaves to the
noise, and every how many points of a drawing are registered. Of the shared clutter, 240 of 299
objects are found so; with every 2nd point in all steps, 238, in twice the time."""
RANKED_BY = 2
"""Every so many points of a drawing are ranked by."""
OUTLIER_SIGMAS = 2.0
LEAST_POINTS = 60
"""Of all the points of a drawing that pixels must be near."""
DAMPING = 1e-5
BASE_M = 0.001
BATCH = 8
"""Poses that are drawn at once with all their points, and as many more as they have fewer: larger
drawings do not fit into the caches of a processor."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Posed:
    """H poses of references: their rows among the references, and T_camera_object (H, 4, 4)."""

    index: Tensor
    T_camera_object: Tensor

    def take(self, rows: Tensor) -> 'Posed':
        """Return some of the poses, by index or mask."""
        return Posed(index=self.index[rows], T_camera_object=self.T_camera_object[rows])


class PixelJudge:
    """Judges poses of the same references in one frame after another."""

    def __init__(self, references: Sequence[Reference], device: torch.device | str = 'cpu'
                 ) -> None:
        self._rows = {reference.name: row for row, reference in enumerate(references)}
        self._references, self._device = references, device

    @cached_property
    def _samples(self) -> SurfaceSamples:
        return SurfaceSamples.of(self._references, self._device)

    def posed(self, names: Sequence[str], T_camera_object: Sequence[NDArray[np.float64]]
              ) -> Posed:
        """Return poses (4, 4) of references by name."""
        poses = np.reshape(T_camera_object, (-1, 4, 4)).astype(np.float32)
        return Posed(index=torch.tensor([self._rows[name] for name in names],
                                        dtype=torch.long, device=self._device),
                     T_camera_object=torch.from_numpy(poses).to(self._device))

    @torch.inference_mode()
    def evidence(self, posed: Posed, view: DepthView) -> PixelEvidence:
        """Return the evidence for poses as they are."""
        return PixelEvidence.joined([pixel_evidence(self._drawn(part, view), view)
                                     for part in _batches(posed)])

    @torch.inference_mode()
    def support(self, posed: Posed, view: DepthView, every: int = RANKED_BY) -> Tensor:
        """Return about `PixelEvidence.support` (H,), on fewer points: enough to rank poses."""
        return torch.cat([pixel_support(self._drawn(part, view, every), view)
                          for part in _batches(posed, every)])

    @torch.inference_mode()
    def refine(self, posed: Posed, view: DepthView) -> Posed:
        """Return the poses registered to the pixels on which their visible points lie.

        Projective point-to-plane ICP (Blais and Levine 1995) with Geman-McClure-like weights; the
        points that count are nearer and nearer. Poses with too few of them stay as they are.
        """
        for sigmas, every in STEPS:
            posed = replace(posed, T_camera_object=torch.cat([
                self._step(part, view, sigmas, every) for part in _batches(posed, every)]))
        return posed

    def _drawn(self, posed: Posed, view: DepthView, every: int = 1) -> Drawing:
        return draw(self._samples.every(every), posed.index, posed.T_camera_object, view)

    def _step(self, posed: Posed, view: DepthView, sigmas: float, every: int) -> Tensor:
        """Return T_camera_object (H, 4, 4) after one step on every so many points."""
        drawing = self._drawn(posed, view, every)
        measured, sigma = view.points[drawing.row], view.sigma_m[drawing.row]
        offset = torch.nan_to_num(measured - drawing.points, nan=torch.inf)
        steep = drawing.cosine.clamp(min=STEEPEST)
        near = drawing.visible & ~view.edge[drawing.row] \
            & (offset[..., 2].abs() < (sigmas * sigma + BASE_M) / steep)
        distance = torch.where(near, (offset * drawing.normals).sum(-1), 0.0)
        weight = near / (1 + (distance / (OUTLIER_SIGMAS * sigma)).square()) / sigma.square()
        centre = (drawing.points * near[..., None]).sum(1) / near.sum(1).clamp(min=1)[:, None]
        radius = self._samples.radius_m[posed.index]
        arm = (drawing.points - centre[:, None]) / radius[:, None, None]
        rows = torch.cat((torch.linalg.cross(arm, drawing.normals), drawing.normals), dim=-1)
        weighted = (rows * weight[..., None]).transpose(1, 2)
        hessian = (weighted @ rows).double()
        trace = hessian.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
        hessian = hessian + (DAMPING * trace + 1e-9) * torch.eye(6).to(hessian)
        step = torch.linalg.solve(hessian, (weighted @ distance[..., None]).double())[..., 0]
        R = roma.rotvec_to_rotmat(step[:, :3] / radius[:, None]).float()
        t = centre + step[:, 3:].float() - (R @ centre[..., None])[..., 0]
        T = posed.T_camera_object.clone()
        T[:, :3, :3] = R @ posed.T_camera_object[:, :3, :3]
        T[:, :3, 3] = (R @ posed.T_camera_object[:, :3, 3:])[..., 0] + t
        enough = near.sum(1) >= LEAST_POINTS / every
        return torch.where(enough[:, None, None], T, posed.T_camera_object)


def _batches(posed: Posed, every: int = 1) -> list[Posed]:
    return [posed.take(rows) for rows in torch.arange(
        len(posed.index), device=posed.index.device).split(BATCH * every)]
