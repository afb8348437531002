"""Which side of a thin wall a camera sees: back-face culling for registration.

Points measured on the inside of a bowl do not lie on its outside. Without culling, the nearest
surface of a thin wall attracts the points of either side, and the pose of a bowl is wrong by half
the thickness of its wall.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointpng_core.estimation.hypotheses import Hypotheses
from pointpng_core.estimation.observations import Observations
from pointpng_core.reference.batch import ReferenceStack

BACK_WEIGHT = 0.1
"""Weight of a point whose nearest surface faces away; all points of a thin sheet may be such."""
MIN_FACING_SHARE = 0.3
"""Share of the points that must face the camera for the others to be left out."""


@dataclass(frozen=True, kw_only=True)
class FrontFacing:
    """Cameras of single views and the references that they see."""

    camera: Tensor
    """(O, 3) position of the camera about the centroid of each observation, metres."""
    outward: Tensor
    """(R,) whether the normals of the reference are known to point outwards: else all faces."""

    @classmethod
    def of(cls, observations: Observations, stack: ReferenceStack) -> 'FrontFacing':
        """Return the cameras at the origins of the observations' frames."""
        return cls(camera=observations.points.new_tensor(-observations.centroids),
                   outward=stack.outward)

    def faces(self, hypotheses: Hypotheses, moved: Tensor, normals: Tensor) -> Tensor:
        """Return (H, n) whether surfaces with normals (H, n, 3) face the camera.

        moved (H, n, 3): the observations' points at the hypotheses, next to these surfaces.
        """
        camera = hypotheses.transform(self.camera[hypotheses.observation, None])  # (H, 1, 3)
        towards = ((camera - moved) * normals).sum(-1) > 0
        return towards | ~self.outward[hypotheses.reference, None]

    def weight(self, hypotheses: Hypotheses, moved: Tensor, normals: Tensor) -> Tensor:
        """Return (H, n) the weights of the points in a registration."""
        faces = self.faces(hypotheses, moved, normals)
        return torch.where(faces, 1.0, BACK_WEIGHT).to(moved)

    def kept(self, hypotheses: Hypotheses, moved: Tensor, normals: Tensor) -> Tensor:
        """Return (H, n) which points a registration should use at all."""
        faces = self.faces(hypotheses, moved, normals)
        return faces | (faces.float().mean(dim=1, keepdim=True) < MIN_FACING_SHARE)
