"""A batch of candidate poses, each of one observation against one reference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from pointpng_core.estimation.observations import Observations
from pointpng_core.reference.reference import Reference


@dataclass(frozen=True, kw_only=True)
class Hypotheses:
    """H candidate poses: x_reference = R x_observation + t.

    Observations are about their centroids and references about their centres, in metres. Where
    each of O observations has K hypotheses, `shape` is (O, K) and H = O * K.
    """

    observation: Tensor
    """(H,) index of the observation."""
    reference: Tensor
    """(H,) index of the reference."""
    R_reference_observation: Tensor
    """(H, 3, 3) rotation from the observation's axes into the reference's."""
    t_reference_observation: Tensor
    """(H, 3) metres."""
    shape: tuple[int, int] | None = None
    """(O, K) when the hypotheses are sorted by observation, K for each; None for other batches."""

    def __len__(self) -> int:
        return len(self.observation)

    @classmethod
    def from_poses(cls, T_observation_reference: Sequence[NDArray[np.float64]],
                   observations: Observations, references: Sequence[Reference],
                   reference_index: Sequence[int]) -> 'Hypotheses':
        """Return one hypothesis per observation, at a pose (4, 4) of its reference; shape (O, 1).

        `reference_index` holds for each observation its reference. The inverse of `to_poses`.
        """
        T = np.stack([np.asarray(pose, np.float64) for pose in T_observation_reference])
        R = T[:, :3, :3].transpose(0, 2, 1)
        centres = np.stack([references[index].centre for index in reference_index])
        t = np.einsum('oij,oj->oi', R, observations.centroids - T[:, :3, 3]) - centres
        points = observations.points
        return cls(observation=torch.arange(len(T), device=points.device),
                   reference=torch.tensor(list(reference_index), device=points.device),
                   R_reference_observation=torch.from_numpy(R.copy()).to(points),
                   t_reference_observation=torch.from_numpy(t).to(points), shape=(len(T), 1))

    def to_poses(self, observations: Observations, references: Sequence[Reference]
                 ) -> NDArray[np.float64]:
        """Return T_observation_reference (H, 4, 4) in the frames of observations and references.

        The rotations are projected onto SO(3).
        """
        R = self.R_reference_observation.double().cpu().numpy()
        t = self.t_reference_observation.double().cpu().numpy()
        centres = np.array([references[index].centre for index in self.reference.tolist()])
        # Rounding in float32 leaves R slightly off SO(3); one Newton step of the polar
        # decomposition (Higham 1986) squares the error.
        inverse = R.transpose(0, 2, 1)
        R_observation_reference = 1.5 * inverse - 0.5 * inverse @ R @ inverse
        shift = R_observation_reference @ (centres.reshape(-1, 3) + t)[..., None]
        T = np.tile(np.eye(4), (len(R), 1, 1))
        T[:, :3, :3] = R_observation_reference
        T[:, :3, 3] = observations.centroids[self.observation.cpu().numpy()] - shift[..., 0]
        return T

    @classmethod
    def concatenated(cls, parts: Sequence['Hypotheses']) -> 'Hypotheses':
        """Return all hypotheses of several batches in one, without a shape."""
        return cls(observation=torch.cat([part.observation for part in parts]),
                   reference=torch.cat([part.reference for part in parts]),
                   R_reference_observation=torch.cat([part.R_reference_observation
                                                      for part in parts]),
                   t_reference_observation=torch.cat([part.t_reference_observation
                                                      for part in parts]))

    def take(self, index: Tensor) -> 'Hypotheses':
        """Return the hypotheses at an index or mask (K,), or at an index (O, k), now their shape.

        In row o of an index (O, k) are rows of hypotheses of observation o.
        """
        shape = (index.shape[0], index.shape[1]) if index.ndim == 2 else None
        index = index.flatten()
        return Hypotheses(observation=self.observation[index], reference=self.reference[index],
                          R_reference_observation=self.R_reference_observation[index],
                          t_reference_observation=self.t_reference_observation[index],
                          shape=shape)

    def by_observation(self, values: Tensor) -> Tensor:
        """Return values (H, ...) of the hypotheses as (O, K, ...).

        Raises ValueError for hypotheses without a shape.
        """
        if self.shape is None:
            raise ValueError(f'{len(self)} hypotheses have no shape (observations, hypotheses of '
                             'each); take them by an index (O, k)')
        return values.unflatten(0, self.shape)

    def moved(self, R: Tensor, t: Tensor) -> 'Hypotheses':
        """Return the same pairs at other poses R_reference_observation, t_reference_observation.

        R (H, 3, 3) and t (H, 3) as in the fields.
        """
        return replace(self, R_reference_observation=R, t_reference_observation=t)

    def transform(self, points: Tensor) -> Tensor:
        """Return observation points (H, n, 3) in their reference's frame.

        They lie in memory as (H, 3, n), as all that is computed from them then does: sums over
        three neighbours in memory are several times slower than sums of three rows.
        """
        return torch.baddbmm(self.t_reference_observation[..., None],
                             self.R_reference_observation, points.transpose(1, 2)).transpose(1, 2)

    def inverse_transform(self, points: Tensor) -> Tensor:
        """Return reference points (H, n, 3) in their observation's frame: R^T (x - t)."""
        return (points - self.t_reference_observation[:, None]) @ self.R_reference_observation
