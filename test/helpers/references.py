"""Small references, built by a builder that counts its work."""

import torch

from helpers.objects import pose, random_rotation_matrix, view
from pointpng_core.embedding.encoders import HarmonicEncoder
from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.reference import ReferenceBuilder, ReferenceConfig
from pointpng_core.simulation.shapes.catalogue import make_object

CONFIG = ReferenceConfig(surface_points=1000, views=40, sample=64, full_surface_sample=256,
                         probes=64)
ROUND = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=0),))


class CountingBuilder(ReferenceBuilder):
    """Counts what is really built."""

    def __init__(self, config=CONFIG, encoder=None):
        super().__init__(encoder=encoder or HarmonicEncoder(), config=config,
                         device=torch.device('cpu'))
        self.built = 0

    def _build(self, surface, directions):
        self.built += 1
        return super()._build(surface, directions)


def build(model, **options):
    """Return the reference of a model, without symmetry."""
    return CountingBuilder().from_model(model, name='x', symmetry=Symmetry(), **options)


def view_of_mug(t=(0.05, -0.04, 0.6)):
    """Return the points (N, 3) of a mug that a camera at the origin sees."""
    return view(make_object('mug').mesh, pose(random_rotation_matrix(0), t))
