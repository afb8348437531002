"""Harmonic COPE, that of Point-PNG (arXiv 2409.15832): Theta_g from a harmonic code of g.

    row_i = W_out relu(h(g) * r(Psi_i))

h is an MLP on the harmonic code of g, and Psi_i a learned embedding of row i, shared by all
rotations. h(g) multiplies r(Psi_i), so that Theta differs between rotations at initialisation. For
comparison the two can be added: relu(h(g) + r(Psi_i)).
"""

import roma
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, relu

from pointpng_core.embedding.cope.learned import LearnedCope
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.so3 import rotation_grid

COMBINATIONS = ('multiply', 'add')
CODES = {'rotation': 9, 'quaternion': 4}
"""The representations of a rotation that can be coded, and their sizes."""


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

    def transform(self, features: Tensor, z: Tensor) -> Tensor:
        """Return Theta_g z (..., d) for h(g) (..., hidden) and z (..., d) that broadcast."""
        rows, mixed = self.row(self.psi), z @ self.out  # (d, hidden), (..., hidden)
        if self.combine == 'add':
            joint = relu(features[..., None, :] + rows)  # (..., d, hidden)
            return torch.einsum('...dh,...h->...d', joint, mixed)
        # relu(h r) = relu(h) relu(r) + relu(-h) relu(-r) avoids (d, hidden) numbers per rotation.
        return (relu(features) * mixed) @ relu(rows).T + (relu(-features) * mixed) @ relu(-rows).T

    @torch.no_grad()
    def _set_scale(self) -> None:
        """Start with h(g) and r(Psi) of unit variance, and |Theta_g z| near 1 for unit z."""
        nn.init.normal_(self.row.weight, std=self.row.in_features ** -0.5)
        nn.init.zeros_(self.row.bias)
        R = rotation_grid(512)
        h = self.features(R)
        # A component of h(g) that is common to all rotations would make all Theta_g alike.
        self.last.bias.sub_(h.mean(dim=0)).div_(h.std(dim=0))
        self.last.weight.div_(h.std(dim=0)[:, None])
        h, rows = self.features(R[::32])[:, None], self.row(self.psi)
        joint = relu(h * rows if self.combine == 'multiply' else h + rows)  # (16, d, hidden)
        # Independent entries of W_out with variance s^2 give E |Theta z|^2 = s^2 |joint|^2.
        self.out.div_(joint.square().sum(dim=(1, 2)).mean().sqrt())


def rotation_numbers(R: Tensor, code: str) -> Tensor:
    """Return rotations (..., 3, 3) as (..., 9) or (..., 4) numbers in [-1, 1].

    'rotation' gives the entries of R, which are even in q and continuous everywhere, 'quaternion'
    the quaternion with w >= 0, which is discontinuous at rotations by pi.
    """
    return R.flatten(-2) if code == 'rotation' else canonical_quaternion(R)


def canonical_quaternion(R: Tensor) -> Tensor:
    """Return the quaternions (..., 4), xyzw with w >= 0, of rotations (..., 3, 3)."""
    quats = roma.rotmat_to_unitquat(R)
    return torch.where(quats[..., 3:] < 0, -quats, quats)


def harmonic_code(numbers: Tensor, frequencies: int) -> Tensor:
    """Return (..., K (1 + 2 F)): numbers x (..., K) with sin and cos of x, 2 x, 4 x, ..."""
    octaves = 2.0 ** torch.arange(frequencies, device=numbers.device, dtype=numbers.dtype)
    phases = (numbers[..., None] * octaves).flatten(-2)  # (..., K F)
    return torch.cat((numbers, torch.sin(phases), torch.cos(phases)), dim=-1)


def _check(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f'HarmonicCope: {name} = {value!r}: choose one of {", ".join(choices)}')
