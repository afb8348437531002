"""The first frame after a start or a change of the library builds nothing that is known before."""

from helpers.objects import boxes
from helpers.posed import seen
import numpy as np
import pytest

from pointpng_core.embedding.cope import WignerCope
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimator import PoseEstimator
from pointpng_core.geometry import Symmetry
from pointpng_core.reference import ReferenceBuilder, ReferenceConfig, builder
from pointpng_core.reference.surface import kd_tree, neighbour_graph, voxel_lookup
from pointpng_core.simulation.shapes.catalogue import make_object

CONFIG = EstimatorConfig(reference=ReferenceConfig(surface_points=1000, views=40))
MESHES = {name: make_object(name).mesh for name in ('mug', 'drill')}
MESHES['block'] = boxes(([0, 0, 0], [0.05, 0.08, 0.12]))
WORK = ((ReferenceBuilder, '_build'), (WignerCope, 'in_plane_bank'), (builder, 'build_field'),
        (voxel_lookup, 'cKDTree'), (kd_tree.SurfaceTree, '__init__'),
        (neighbour_graph, 'nearest_rows'))
"""What is expensive to build for a reference: once each."""


@pytest.fixture
def built(monkeypatch):
    """The names of WORK, one for each call."""
    calls = []
    for owner, name in WORK:
        monkeypatch.setattr(owner, name, counted(calls, name, getattr(owner, name)))
    return calls


def counted(calls, name, work):
    def wrapped(*arguments, **options):
        calls.append(name)
        return work(*arguments, **options)
    return wrapped


def loaded(estimator, *names):
    return [estimator.reference_from_model(MESHES[name], name=name, symmetry=Symmetry())
            for name in names]


def test_the_first_frame_builds_nothing(tmp_path, built):
    T, points = seen('mug', 0)
    first = loaded(PoseEstimator(config=CONFIG, cache_dir=tmp_path), 'mug', 'drill')
    assert built.count('_build') == built.count('build_field') == 2
    built.clear()
    estimator = PoseEstimator(config=CONFIG, cache_dir=tmp_path)
    references = loaded(estimator, 'mug', 'drill')
    assert set(built) == {'in_plane_bank', '__init__'}  # of the COPE, and the trees of small_gicp
    built.clear()
    found = estimator.estimate(points, references)
    assert built == []
    again = PoseEstimator(config=CONFIG).estimate(points, first)
    assert np.array_equal(found[0].T_observation_reference, again[0].T_observation_reference)
    assert np.abs(found[0].T_observation_reference - T)[:3, 3].max() < 0.01


def test_a_change_of_one_object_builds_no_other(tmp_path, built):
    estimator = PoseEstimator(config=CONFIG, cache_dir=tmp_path)
    mug, _ = loaded(estimator, 'mug', 'drill')
    points = seen('mug', 0)[1]
    built.clear()
    block, = loaded(estimator, 'block')
    assert built.count('_build') == built.count('build_field') == 1
    assert built.count('in_plane_bank') == 1
    built.clear()
    estimator.estimate(points, [mug, block])
    assert built == []
