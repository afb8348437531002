"""The evidence of pixels: found, contradicted, hidden, and what lies beside the silhouette."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.pixels.depth_view import DepthView
from pointpng_core.estimation.pixels.drawing import Drawing

SIGMAS, BASE_M = 3.0, 0.001
"""Deviation from the surface within which a pixel confirms it: so many standard deviations of the
noise, along the normal, plus what models and calibrations are wrong by."""
STEEPEST = 0.3
"""Cosine of incidence beyond which depth errors count as those at this angle."""
BESIDE_SIGMAS, BESIDE_PX, BESIDE_CELLS = 2.0, 6.0, 1.5
"""Where what lies beside the silhouette is looked up, and how near it must be to the plane of the
surface to continue it."""
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (.7, .7), (.7, -.7), (-.7, .7), (-.7, -.7))
WORST_RMS = 3.0
LEAST_PIXELS = 20.0
GAIN, LOSS = 1.5, 10.0
"""Log-likelihood of a pixel that lies exactly on the surface, and minus that of one that shows
what the surface should hide. Chosen on simulated clutter: of 368 segments of which some hypothesis
was right, the most likely one was right for 351 (351 with a gain of 1, 333 with 4)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelEvidence:
    """What the pixels say about each of H poses; shares are of the pixels it predicts.

    Those outside of the image count as predicted and not found.
    """

    found: Tensor
    """(H,) share measured on the surface."""
    contradicted: Tensor
    """(H,) share measured behind the surface, away from edges."""
    occluded: Tensor
    """(H,) share measured in front of the surface."""
    outside: Tensor
    """(H,) share outside of the image."""
    rms_sigmas: Tensor
    """(H,) root mean square deviation of the found pixels along the normal, in sigmas."""
    found_px: Tensor
    """(H,) number of pixels on the surface."""
    continued: Tensor
    """(H,) share of what lies beside the silhouette that continues the surface in its plane."""
    dropped: Tensor
    """(H,) share of what lies beside the silhouette that is farther away, or without a reading."""
    support: Tensor
    """(H,) log-likelihood of the pixels, against that of any other surface there."""

    def take(self, index: Tensor) -> 'PixelEvidence':
        """Return the evidence of some poses, by index or mask."""
        return PixelEvidence(**{name: value[index] for name, value in vars(self).items()})

    @classmethod
    def joined(cls, parts: Sequence['PixelEvidence']) -> 'PixelEvidence':
        """Return the evidence of all poses of several."""
        return cls(**{name: torch.cat([getattr(part, name) for part in parts])
                      for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pixels:
    """What was measured at the visible points of H drawn surfaces; (H, S) each."""

    behind: Tensor
    """Metres by which what was measured is behind the surface; not finite without a reading."""
    sigma: Tensor
    steep: Tensor
    """Cosine of incidence, at least STEEPEST."""
    found: Tensor
    """Weight in pixels of those on the surface, else 0."""
    contradicted: Tensor
    """Weight of those behind it, away from edges."""

    @property
    def square(self) -> Tensor:
        """Return the squared deviations along the normal, in sigmas."""
        return (torch.nan_to_num(self.behind) * self.steep / self.sigma).square()

    @property
    def support(self) -> Tensor:
        """Return the log-likelihood (H,)."""
        chi = (self.square.clamp(max=SIGMAS ** 2) * self.found).sum(1)
        return GAIN * self.found.sum(1) - 0.5 * chi - LOSS * self.contradicted.sum(1)


def pixel_support(drawing: Drawing, view: DepthView) -> Tensor:
    """Return `PixelEvidence.support` (H,) of drawn poses alone."""
    return _measured(drawing, view).support


def pixel_evidence(drawing: Drawing, view: DepthView) -> PixelEvidence:
    """Return the evidence of the pixels for drawn poses."""
    pixels, weight = _measured(drawing, view), drawing.weight_px
    total = (weight.sum(1) + drawing.outside_px).clamp(min=1e-6)
    occluded = weight * (pixels.behind <= -_tolerance(pixels.sigma, pixels.steep))
    found_px = pixels.found.sum(1)
    rms = ((pixels.square * pixels.found).sum(1) / found_px.clamp(min=1e-6)).sqrt()
    continued, dropped = _beside(drawing, view, pixels)
    return PixelEvidence(
        found=found_px / total, contradicted=pixels.contradicted.sum(1) / total,
        occluded=occluded.sum(1) / total, outside=drawing.outside_px / total, found_px=found_px,
        continued=continued, dropped=dropped,
        rms_sigmas=torch.where(found_px > LEAST_PIXELS, rms, WORST_RMS), support=pixels.support)


def _measured(drawing: Drawing, view: DepthView) -> _Pixels:
    behind = view.depth_m[drawing.row] - drawing.points[..., 2]
    sigma, steep = view.sigma_m[drawing.row], drawing.cosine.clamp(min=STEEPEST)
    tolerance = _tolerance(sigma, steep)
    return _Pixels(behind=behind, sigma=sigma, steep=steep,
                   found=drawing.weight_px * (behind.abs() < tolerance),
                   contradicted=drawing.weight_px * (
                       (behind >= tolerance) & ~view.near_edge[drawing.row]))


def _tolerance(sigma: Tensor, steep: Tensor) -> Tensor:
    return SIGMAS * sigma / steep + BASE_M


def _beside(drawing: Drawing, view: DepthView, pixels: _Pixels) -> tuple[Tensor, Tensor]:
    """Return which shares (H,) of what lies beside found rims continue the surface, or drop.

    A true object ends at its silhouette. A flat object that was fitted into a larger surface does
    not: there, the surface continues.
    """
    rim = drawing.visible & (drawing.cosine > STEEPEST) \
        & (pixels.behind.abs() < 4 * pixels.sigma + 2 * BASE_M)
    offsets = pixels.sigma.new_tensor(DIRECTIONS)
    reach = BESIDE_PX + BESIDE_CELLS * drawing.cell_px
    owner, point = rim.nonzero(as_tuple=True)
    beside_px = drawing.pixels[owner, point, None] + reach[owner, None, None] * offsets
    row, inside = view.rows_of(beside_px)
    rim_point, side = (inside & ~drawing.covers(owner, beside_px)).nonzero(as_tuple=True)
    owner, point, row = owner[rim_point], point[rim_point], row[rim_point, side]
    normal, beside = drawing.normals[owner, point], view.points[row]
    # The plane of the surface, met along the ray of the pixel.
    ray = torch.cat(((beside_px[rim_point, side].round() - view.principal) / view.focal,
                     torch.ones_like(beside[:, :1])), dim=1)
    along = (ray * normal).sum(-1)
    plane = (drawing.points[owner, point] * normal).sum(-1) / along
    step = torch.where(along.abs() > 0.1, beside[:, 2] - plane, torch.nan)
    tolerance = BESIDE_SIGMAS * view.sigma_m[row] + BASE_M
    zeros = pixels.sigma.new_zeros(len(pixels.sigma))

    def count(mask: Tensor) -> Tensor:
        return zeros.index_add(0, owner, mask.to(zeros))
    total = count(torch.ones_like(step)).clamp(min=1.0)
    return count(step.abs() < tolerance) / total, count(~(step < tolerance)) / total
