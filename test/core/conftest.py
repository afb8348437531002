"""One estimator and its references for all tests of the core: building them is what takes time."""

import functools

import pytest


@pytest.fixture(scope='session')
def estimator():
    from pointpng_core.estimator import PoseEstimator
    return PoseEstimator()


@pytest.fixture(scope='session')
def reference(estimator):
    """A function from the name of a catalogue object to its reference, built once."""
    from pointpng_core.simulation.shapes.catalogue import make_object

    @functools.cache
    def build(name):
        made = make_object(name)
        return estimator.reference_from_model(made.mesh, name=name, symmetry=made.symmetry)
    return build
