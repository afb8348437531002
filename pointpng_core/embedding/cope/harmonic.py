"""Harmonic COPE, the paper's: row i of Theta_g from the code of g and a row embedding Psi_i.

    row_i = W_out relu(h(g) * r(Psi_i))

The code of g multiplies that of the row, so that Theta differs between rotations from the start.
In the other form, for comparison, it is added: relu(h(g) + r(Psi_i)).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, relu

from pointpng_core.embedding.cope.base import LearnedCope
from pointpng_core.embedding.cope.rotation_features import CODES, harmonic_code, rotation_numbers
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import rotation_grid

COMBINATIONS = ('multiply', 'add')


class HarmonicCope(LearnedCope):
    """About 200K weights at the paper's d = 1024; Theta_g z costs d * hidden, not d^2."""

    def __init__(self, *, dim: int, frequencies: int = 4, row_dim: int = 32, hidden: int = 128,
                 code: str = 'rotation', combine: str = 'multiply') -> None:
        super().__init__(dim)
        _check('code', code, tuple(CODES))
        _check('combine', combine, COMBINATIONS)
        self.frequencies, self.code, self.combine = frequencies, code, combine
        self.first = nn.Linear(CODES[code] * (1 + 2 * frequencies), hidden)
        self.last = nn.Linear(hidden, hidden)
        self.psi = nn.Parameter(torch.randn(dim, row_dim))
        self.row = nn.Linear(row_dim, hidden)
        self.out = nn.Parameter(torch.randn(dim, hidden))
        self._set_scale()

    def features(self, R: Tensor) -> Tensor:
        """Return h(g) (..., hidden) of rotations (..., 3, 3)."""
        code = harmonic_code(rotation_numbers(R, self.code), self.frequencies)
        h: Tensor = self.last(gelu(self.first(code)))
        return h

    def turn(self, features: Tensor, z: Tensor) -> Tensor:
        """Return Theta_g z (..., d) for h(g) (..., hidden) and z (..., d) that broadcast."""
        rows, mixed = self.row(self.psi), z @ self.out  # (d, hidden), (..., hidden)
        if self.combine == 'add':
            joint = relu(features[..., None, :] + rows)  # (..., d, hidden)
            return torch.einsum('...dh,...h->...d', joint, mixed)
        # relu(h r) = relu(h) relu(r) + relu(-h) relu(-r): no (d, hidden) numbers per rotation.
        return (relu(features) * mixed) @ relu(rows).T + (relu(-features) * mixed) @ relu(-rows).T

    @torch.no_grad()
    def _set_scale(self) -> None:
        """Start with h(g) and r(Psi) of unit variance, and |Theta_g z| near 1 for unit z."""
        nn.init.normal_(self.row.weight, std=self.row.in_features ** -0.5)
        nn.init.zeros_(self.row.bias)
        R = rotation_grid(512)
        h = self.features(R)
        # What h(g) has in common for all rotations would make Theta_g alike.
        self.last.bias.sub_(h.mean(dim=0)).div_(h.std(dim=0))
        self.last.weight.div_(h.std(dim=0)[:, None])
        h, rows = self.features(R[::32])[:, None], self.row(self.psi)
        joint = relu(h * rows if self.combine == 'multiply' else h + rows)  # (16, d, hidden)
        # W_out of independent entries of variance s^2 gives E |Theta z|^2 = s^2 |joint|^2.
        self.out.div_(joint.square().sum(dim=(1, 2)).mean().sqrt())


def _check(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f'HarmonicCope: {name} = {value!r}: choose one of {", ".join(choices)}')
