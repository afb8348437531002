"""How little an embedding changes under rotations about an axis, for every axis at once.

In a frame whose z is the axis u, a rotation by phi mixes only the orders m and -m of a steerable
embedding, as a plane rotation by m phi. With P_m(u) their share of the energy,

    <Theta_{u, phi} z, z> = sum_m P_m(u) cos(m phi),

so that an n-fold rotation leaves exactly the orders 0, n, 2n ... unchanged.
"""

import functools

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.embedding.cope.wigner import WignerCope
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.geometry.so3 import fibonacci_directions, frame_towards, wigner_blocks
from pointpng_core.geometry.symmetry import CONTINUOUS

DIRECTIONS = 1600
"""Directions on the sphere; half of them serve as axes, which lie about 5 degrees apart."""
MIN_SEPARATION_COS = 0.94
"""Peaks lie at least 20 degrees apart."""
PERPENDICULAR_COS = 0.1
"""Axes within 6 degrees of the plane across another one count as perpendicular to it."""


class AxisSpectrum:
    """The energies P_m(u) of a cloud (N, 3) relative to its centroid, in diameters.

    axes: (A, 3) unit vectors u over half of the sphere; energies: (A, L + 1), rows sum to 1.
    """

    def __init__(self, points: NDArray[np.floating]) -> None:
        encoder = HarmonicEncoder()
        z = encoder.encode(torch.from_numpy(points.astype(np.float32))[None])[0]
        blocks = WignerCope(encoder.multiplicities).split(z)
        axes, rotations = _frames(len(blocks) - 1)
        self.axes = axes.double().numpy()
        energies = torch.zeros(len(axes), len(blocks))
        for degree, (block, rotation) in enumerate(zip(blocks, rotations)):
            both = (block @ rotation.transpose(-1, -2)).square().sum(dim=-2)  # (A, 2l + 1)
            energies[:, :degree + 1] += both[:, degree:]
            energies[:, 1:degree + 1] += both[:, :degree].flip(1)
        self.energies = (energies / energies.sum(dim=1, keepdim=True)).double().numpy()

    def invariant_share(self, order: int) -> NDArray[np.float64]:
        """Return per axis (A,) the share of energy invariant to rotations of this order."""
        step = order if order != CONTINUOUS else self.energies.shape[1]
        share: NDArray[np.float64] = self.energies[:, ::step].sum(axis=1)
        return share

    def peaks(self, order: int, *, count: int, least: float,
              across: NDArray[np.float64] | None = None) -> list[NDArray[np.float64]]:
        """Return up to `count` axes (3,) of the largest invariant share, at least `least`, sorted.

        `across` (3,): only axes approximately perpendicular to this one.
        """
        share = self.invariant_share(order)
        if across is not None:
            share[np.abs(self.axes @ across) > PERPENDICULAR_COS] = -np.inf
        found: list[NDArray[np.float64]] = []
        while len(found) < count and share.max() >= least:
            axis = self.axes[share.argmax()]
            found.append(axis)
            share[np.abs(self.axes @ axis) > MIN_SEPARATION_COS] = -np.inf
        return found


@functools.lru_cache(maxsize=2)
@torch.inference_mode(False)
def _frames(degree_max: int) -> tuple[Tensor, list[Tensor]]:
    directions = fibonacci_directions(DIRECTIONS)
    axes = directions[directions[:, 2] >= 0]
    return axes, wigner_blocks(frame_towards(axes), degree_max)
