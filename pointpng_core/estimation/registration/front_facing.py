"""Which side of a wall a camera sees: what it measured of the inside belongs to no outside.

Without this the nearest surface of a thin wall draws the points of either side, and a bowl is
found off by half the thickness of its wall.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.observations import Observations
from pointpng_core.estimation.registration.hypotheses import Hypotheses
from pointpng_core.reference.batch import ReferenceStack

BACK_WEIGHT = 0.1
"""Of a point whose nearest surface faces away, in a batch; of sheets all may do so."""
LEAST_FACING = 0.3
"""Share of the points that must face the camera for the others to be left out."""


@dataclass(frozen=True, kw_only=True)
class FrontFacing:
    """Cameras before references; only of single views."""

    camera: Tensor
    """(O, 3) where the camera stands in each observation, about its centre."""
    outward: Tensor
    """(R,) whether the normals of the reference are known to point outwards: else all faces."""

    @classmethod
    def of(cls, observations: Observations, stack: ReferenceStack) -> 'FrontFacing':
        """Return the sight of cameras at the origins of the observations' frames."""
        return cls(camera=observations.points.new_tensor(-observations.centroids),
                   outward=stack.outward)

    def faces(self, hypotheses: Hypotheses, moved: Tensor, normals: Tensor) -> Tensor:
        """Return (H, n) whether surfaces of normals (H, n, 3) face the camera.

        moved (H, n, 3): the observations' points at the hypotheses, which lie next to them.
        """
        camera = hypotheses.transform(self.camera[hypotheses.observation, None])  # (H, 1, 3)
        towards = ((camera - moved) * normals).sum(-1) > 0
        return towards | ~self.outward[hypotheses.reference, None]

    def weight(self, hypotheses: Hypotheses, moved: Tensor, normals: Tensor) -> Tensor:
        """Return (H, n) what the points count in a registration."""
        faces = self.faces(hypotheses, moved, normals)
        return torch.where(faces, 1.0, BACK_WEIGHT).to(moved)

    def kept(self, hypotheses: Hypotheses, moved: Tensor, normals: Tensor) -> Tensor:
        """Return (H, n) which points a registration should use at all."""
        faces = self.faces(hypotheses, moved, normals)
        return faces | (faces.float().mean(dim=1, keepdim=True) < LEAST_FACING)
