"""The interfaces of encoders and of conditional predictors (COPE) that the estimator relies on.

The training-free pair (`HarmonicEncoder`, `WignerCope`) and every learned model implement these.
Shapes: B clouds or pairs, N points, d embedding size, F features, G rotations of a grid, K of a
pair, S sources, T targets, A angles.
"""

from typing import Any, Protocol

from torch import Tensor


class Encoder(Protocol):
    """Maps clouds to embeddings that change predictably when the cloud is rotated."""

    dim: int
    """Size d of an embedding."""
    points: int
    """Points of a cloud that are used, the first ones; fewer are repeated. 0 uses all points."""

    @property
    def key(self) -> str:
        """Return a key of configuration and weights, under which embeddings are cached."""
        ...

    def encode(self, clouds: Tensor) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        ...

    def encode_at(self, clouds: Tensor, diameters: Tensor) -> Tensor:
        """Return (R, B, d): clouds (B, N, 3), centred, in units of each of the diameters (R,)."""
        ...

    def features(self, clouds: Tensor) -> Tensor:
        """Return features (B, F) for classifiers, of clouds (B, N, 3) as `encode` takes them."""
        ...


class Cope(Protocol):
    """Predicts how an embedding changes under a rotation: Theta_g z, from g alone.

    The score of a rotation is the cosine of Theta_g z_source and z_target, both of unit length.
    """

    dim: int

    def theta(self, R: Tensor) -> Tensor:
        """Return Theta_g (..., d, d) for rotations (..., 3, 3)."""
        ...

    def apply(self, R: Tensor, z: Tensor) -> Tensor:
        """Return Theta_g z (..., d), not normalised, for (..., 3, 3) and (..., d) that broadcast.

        Theta itself is not built.
        """
        ...

    def grid_bank(self, R: Tensor) -> Any:
        """Return rotations (G, 3, 3) precomputed for `grid_scores`."""
        ...

    def grid_scores(self, bank: Any, z_source: Tensor, z_target: Tensor) -> Tensor:
        """Return the scores (B, G) of every rotation of a bank for pairs (B, d)."""
        ...

    def in_plane_bank(self, z_source: Tensor, angles_rad: Tensor) -> Any:
        """Return sources (S, d), rotated about z by angles (A,), for `in_plane_scores`."""
        ...

    def in_plane_scores(self, bank: Any, z_target: Tensor) -> Tensor:
        """Return the scores (T, S, A) of every source and angle of a bank for targets (T, d)."""
        ...

    def refine(self, R: Tensor, z_source: Tensor, z_target: Tensor, steps: int
               ) -> tuple[Tensor, Tensor]:
        """Ascend from rotations (B, K, 3, 3) to a nearby peak of the score of each pair (B, d).

        Returns the rotations (B, K, 3, 3) and their scores (B, K).
        """
        ...
