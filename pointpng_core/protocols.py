"""What the estimator needs from an embedding and from a conditional predictor.

The training-free pair (`HarmonicEncoder`, `WignerCope`) and every learned model implement these.
Shapes: B clouds, N points, d embedding size, F features of a correlation, G rotations.
"""

from typing import Any, Protocol

from torch import Tensor


class Encoder(Protocol):
    """Turns clouds into embeddings that move predictably when the cloud is turned."""

    dim: int
    """Size d of an embedding."""
    key: str
    """Names the encoder and everything its output depends on; embeddings are cached under it."""

    def encode(self, clouds: Tensor) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        ...

    def encode_at(self, clouds: Tensor, diameters: Tensor) -> Tensor:
        """Return (R, B, d): clouds (B, N, 3), centred, in units of each of the diameters (R,)."""
        ...


class Cope(Protocol):
    """Predicts how an embedding changes under a rotation: Theta_g z, from g alone.

    The score of a rotation, <Theta_g z_source, z_target>, is linear in a correlation of the two
    embeddings, so that all rotations of a grid are scored by one product with a constant bank.
    """

    dim: int

    def theta(self, R: Tensor) -> Tensor:
        """Return Theta_g (..., d, d) for rotations (..., 3, 3)."""
        ...

    def apply(self, R: Tensor, z: Tensor) -> Tensor:
        """Return Theta_g z (..., d) without building Theta, for (..., 3, 3) and (..., d)."""
        ...

    def correlate(self, z_source: Tensor, z_target: Tensor) -> Tensor:
        """Return the correlation (..., F) of embeddings (..., d) that broadcast together."""
        ...

    def bank(self, R: Tensor) -> Tensor:
        """Return B (G, F) with <Theta_g z_source, z_target> = B @ correlate(...)."""
        ...

    def twist_bank(self, z_source: Tensor) -> Any:
        """Return what `twist_scores` needs of sources (S, d), prepared once per reference."""
        ...

    def twist_scores(self, bank: Any, z_target: Tensor, angles_rad: Tensor) -> Tensor:
        """Return (T, S, A): every source of a bank turned about z by every angle, on (T, d)."""
        ...

    def refine(self, R: Tensor, correlation: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Return rotations (..., 3, 3) climbed to a nearby peak of the score, and their scores."""
        ...
