"""Degrees and radial shells: what the training-free encoder and the steerable network share."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class HarmonicConfig(Config):
    """Degrees and radial shells of an embedding in spherical harmonics."""

    degree_max: int = option(8, help='Highest spherical-harmonic degree L.', low=1, high=16)
    shells: int = option(10, help='Radial shells.', low=1, high=64)
    inner_radius: float = option(0.03, help='Centre of the innermost shell.',
                                 unit='diameters', low=0.0, high=1.0)
    outer_radius: float = option(0.6, help='Centre of the outermost shell.',
                                 unit='diameters', low=0.0, high=2.0)
    width: float = option(0.05, help='Standard deviation of a shell.',
                          unit='diameters', low=1e-3, high=1.0)


def shell_weights(radii: Tensor, config: HarmonicConfig) -> Tensor:
    """Return the weights (..., K, N) in each shell of points at radii (..., N), in diameters."""
    centres = torch.linspace(config.inner_radius, config.outer_radius, config.shells,
                             device=radii.device, dtype=radii.dtype)
    offset = (radii[..., None, :] - centres[:, None]) / config.width
    return torch.exp(-0.5 * offset.square())
