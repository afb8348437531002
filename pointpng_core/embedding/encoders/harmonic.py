"""The training-free steerable embedding: spherical harmonics of the points, by shells of radius.

    Z_l = mean_i w(|x_i|) Y^l(x_i / |x_i|)

with Gaussian shells w. It is exactly equivariant (Z_l -> Z_l D^l(g)^T for a cloud rotated by g)
and needs no training, so it is the baseline that every learned embedding has to beat. Expansions
in spherical harmonics by shells are classical shape descriptors (Kazhdan et al. 2003); theirs keep
the norms only, which are invariant, while the full coefficients determine the rotation.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import normalize

from pointpng_core.embedding.shells import HarmonicConfig, shell_weights
from pointpng_core.geometry.so3 import real_harmonics


class HarmonicEncoder:
    """The steerable embedding of one configuration; implements `Encoder`.

    An embedding consists, degree by degree, of blocks of (shells, 2l + 1) numbers.
    """

    def __init__(self, config: HarmonicConfig | None = None) -> None:
        self.config = config or HarmonicConfig()
        self.multiplicities = (self.config.shells,) * (self.config.degree_max + 1)
        self.points = 0
        self.dim = self.config.shells * (self.config.degree_max + 1) ** 2
        values = '_'.join(str(value) for value in self.config.to_mapping().values())
        self.key = f'harmonic-1_{values}'

    def encode(self, clouds: Tensor) -> Tensor:
        """Return unit embeddings (B, d) of clouds (B, N, 3), centred, in object diameters."""
        return self.encode_at(clouds, clouds.new_ones(1))[0]

    def encode_at(self, clouds: Tensor, diameters: Tensor) -> Tensor:
        """Return (R, B, d): clouds (B, N, 3), centred, in units of each of the diameters (R,).

        Directions do not change with the unit, so their harmonics are computed once.
        """
        config = self.config
        radii = clouds.norm(dim=-1)  # (B, N)
        # A point at the very centre has no direction; its weights are nearly 0 anyway.
        harmonics = real_harmonics(clouds / radii.clamp(min=1e-9)[..., None], config.degree_max)
        shells = shell_weights(radii / diameters[:, None, None], config)  # (R, B, K, N)
        rows = shells.transpose(0, 1).flatten(1, 2)  # (B, R * K, N)
        moments = (rows @ harmonics).unflatten(1, (len(diameters), -1)).transpose(0, 1)
        order = _degree_order(config.shells, config.degree_max, moments.device)
        return normalize(moments.flatten(2).index_select(2, order), dim=-1)

    def features(self, clouds: Tensor) -> Tensor:
        """Return the rotation-invariant norms by degree and shell (B, (L + 1) shells)."""
        sizes = [self.config.shells * (2 * degree + 1)
                 for degree in range(self.config.degree_max + 1)]
        blocks = self.encode(clouds).split(sizes, dim=-1)
        return torch.cat([block.unflatten(-1, (self.config.shells, -1)).norm(dim=-1)
                          for block in blocks], dim=-1)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # autograd may need the cached tensors later
def _degree_order(shells: int, degree_max: int, device: torch.device) -> Tensor:
    """Return the index in flattened moments (shells, (L + 1)^2) of each embedding entry (d,)."""
    indices = torch.arange(shells * (degree_max + 1) ** 2).view(shells, -1)
    return torch.cat([indices[:, degree ** 2:(degree + 1) ** 2].flatten()
                      for degree in range(degree_max + 1)]).to(device)
