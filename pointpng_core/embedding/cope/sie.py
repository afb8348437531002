"""SIE COPE, the baseline of Point-PNG (arXiv 2409.15832): Theta_g is linear in the quaternion.

The predictor is the bias-free linear hypernetwork of SIE (arXiv 2302.10283).
"""

import torch
from torch import Tensor, nn

from pointpng_core.embedding.cope.harmonic import canonical_quaternion
from pointpng_core.embedding.cope.learned import LearnedCope


class SieCope(LearnedCope):
    """Theta_g = sum_k q_k B_k with four matrices B_k: exactly 4 d^2 weights."""

    def __init__(self, *, dim: int) -> None:
        super().__init__(dim)
        # As |q| = 1, |Theta_g z| starts near 1 for unit z.
        self.weight = nn.Parameter(torch.randn(4, dim, dim) * dim ** -0.5)

    def features(self, R: Tensor) -> Tensor:
        """Return the quaternions (..., 4), xyzw with w >= 0, of rotations (..., 3, 3)."""
        return canonical_quaternion(R)

    def transform(self, features: Tensor, z: Tensor) -> Tensor:
        """Return sum_k q_k B_k z (..., d) for quaternions (..., 4) and z (..., d)."""
        parts = (z @ self.weight.flatten(0, 1).T).unflatten(-1, (4, self.dim))  # (..., 4, d)
        return (features[..., None, :] @ parts).squeeze(-2)
