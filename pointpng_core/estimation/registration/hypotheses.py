"""A batch of candidate poses, each of one observation against one reference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Hypotheses:
    """H candidate poses. x_reference = R x_observation + t, both about their own centres."""

    observation: Tensor
    """(H,) index of the observation."""
    reference: Tensor
    """(H,) index of the reference."""
    R: Tensor
    """(H, 3, 3) rotation from the observation's axes into the reference's."""
    t: Tensor
    """(H, 3) metres."""

    def __len__(self) -> int:
        return len(self.observation)

    def take(self, index: Tensor) -> 'Hypotheses':
        """Return the hypotheses at an index or mask (K,)."""
        return Hypotheses(observation=self.observation[index], reference=self.reference[index],
                          R=self.R[index], t=self.t[index])

    def moved(self, R: Tensor, t: Tensor) -> 'Hypotheses':
        """Return the same pairs at other poses."""
        return replace(self, R=R, t=t)

    def reshaped(self, shape: Sequence[int]) -> 'Hypotheses':
        """Return the same hypotheses with the batch dimension (H,) in another shape."""
        return Hypotheses(**{name: value.unflatten(0, tuple(shape))
                             for name, value in vars(self).items()})

    def transform(self, points: Tensor) -> Tensor:
        """Return observation points (H, n, 3) in their reference's frame.

        They lie in memory as (H, 3, n), as all that is computed of them then does: sums over three
        neighbours in memory are several times slower than sums of three rows.
        """
        return torch.baddbmm(self.t[..., None], self.R, points.transpose(1, 2)).transpose(1, 2)
