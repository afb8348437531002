"""Sizes of a Point-PNG network."""

from dataclasses import dataclass

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError

COPES = ('wigner', 'harmonic', 'sie')
TRANSFORMER, STEERABLE = 'transformer', 'steerable'


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Config):
    """The defaults are the configuration `small`, which trains on two CPU cores."""

    encoder: str = option(TRANSFORMER, help='A transformer over patches (the paper), or a '
                                            'steerable network, which is exactly equivariant.',
                          choices=(TRANSFORMER, STEERABLE))
    points: int = option(512, help='Points of a cloud that the network takes.', low=16, high=65536)
    patches: int = option(32, help='Patches, by farthest-point sampling.', low=4, high=1024)
    patch_size: int = option(24, help='Nearest points of a patch.', low=4, high=256)
    width: int = option(144, help='Width of a token.', low=16, high=2048)
    depth: int = option(4, help='Blocks of the encoder.', low=1, high=48)
    heads: int = option(4, help='Attention heads.', low=1, high=64)
    decoder_depth: int = option(2, help='Blocks of the masked decoder.', low=1, high=24)
    projector: int = option(512, help='Hidden width of the projector.', low=16, high=8192)
    cope: str = option('wigner', help='How the embedding of a rotated cloud is predicted.',
                       choices=COPES)
    degree_max: int = option(4, help='Wigner COPE: highest degree L.', low=1, high=12)
    copies: int = option(12, help='Wigner COPE: copies of every degree; shells of a '
                                      'steerable encoder.', low=1, high=256)
    balanced: bool = option(True, help='Wigner COPE of a transformer: every degree keeps a '
                                       'share of the length of an embedding; otherwise degree 0 '
                                       'takes it all.')
    dim: int = option(128, help='Harmonic and SIE COPE: size of the embedding.',
                      low=8, high=4096)
    code: str = option('rotation', help='Harmonic COPE: representation of a rotation, the entries '
                                        'of its matrix or its quaternion with w >= 0.',
                       choices=('rotation', 'quaternion'))
    frequencies: int = option(0, help='Harmonic COPE: octaves of sines and cosines of the '
                                      'representation. With 0, Theta is smooth in the rotation '
                                      'and quickly learned.', low=0, high=8)
    combine: str = option('multiply', help='Harmonic COPE: how the code of the rotation and '
                                           'that of a row are combined.',
                         choices=('multiply', 'add'))

    def __post_init__(self) -> None:
        """Check the values, and that they fit together; raises ConfigError."""
        super().__post_init__()
        if self.width % self.heads:
            raise ConfigError(f'ModelConfig.width = {self.width} is not a multiple of heads = '
                              f'{self.heads}')
        for name in ('patches', 'patch_size'):
            if getattr(self, name) > self.points:
                raise ConfigError(f'ModelConfig.{name} = {getattr(self, name)}: a cloud has only '
                                  f'points = {self.points}')
        if self.encoder == STEERABLE and self.cope != 'wigner':
            raise ConfigError(f'ModelConfig.cope = {self.cope}: a steerable encoder needs '
                              'Wigner matrices; set cope: wigner')

    @property
    def embedding_dim(self) -> int:
        """Return the size d of an embedding."""
        return self.copies * (self.degree_max + 1) ** 2 if self.cope == 'wigner' else self.dim
