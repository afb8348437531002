"""Pairs that the tests of curves and of perturbations share."""

from helpers.objects import pose, random_rotation_matrix, view, whole
import numpy as np
import pytest

from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.simulation.shapes.catalogue import make_object


@pytest.fixture(scope='module')
def view_pair():
    """A pair whose target is a single view, well off the optical axis."""
    T = pose(random_rotation_matrix(3), (0.2, -0.1, 0.7))
    return PosePair(source=whole('drill', 2000), target=view(make_object('drill').mesh, T),
                    T_target_source=T, name='drill')


@pytest.fixture(scope='module')
def surface_pair():
    """A pair whose target is a full surface about the origin."""
    T = pose(random_rotation_matrix(4), (0.01, 0.0, 0.02))
    source = whole('drill', 2000)
    middle = source.mean(axis=0)
    target = transform(T, whole('drill', 1500, seed=2) - middle).astype(np.float32)
    return PosePair(source=source - middle, target=target, T_target_source=T)
