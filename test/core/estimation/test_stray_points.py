"""Points that are no readings of the object change neither its pose nor the confidence."""

from functools import partial
import warnings

from helpers.objects import boxes, pose, view
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import CloudError
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.clouds import PointCloud, stray_points, stray_surface_points
from pointpng_core.geometry.meshes import sample_surface
from pointpng_core.simulation.shapes.catalogue import make_object

T = pose(Rotation.from_euler('xyz', [200, 25, 40], degrees=True).as_matrix(), (0.02, -0.01, 0.6))
CLOUD = view(make_object('drill').mesh, T, noise=1.0)
RAYS = np.random.default_rng(0).uniform(-0.3, 0.3, (300, 2))


def at_depth(depth_m):
    return np.column_stack((RAYS * abs(depth_m), np.full(len(RAYS), depth_m))).astype(np.float32)


HAMMER = (((-0.01, -0.01, 0), (0.01, 0.01, 0.3)), ((-0.06, -0.02, 0.3), (0.06, 0.02, 0.34)))
LOLLIPOP = boxes(((-0.02, -0.02, -0.02), (0.02, 0.02, 0.02)),
                 ((-0.001, -0.001, 0.02), (0.001, 0.001, 0.2)))
STRAY = {
    'one zero': np.zeros((1, 3)), 'one at 10 m': np.float32([[1, 2, 10]]),
    'one at 1e10 m': np.float32([[1e10, 0, 1e10]]), 'as many zeros': np.zeros((len(CLOUD), 3)),
    'twice as many zeros': np.zeros((2 * len(CLOUD), 3)),
    'minus one': at_depth(-1.0), '65.535 m': at_depth(65.535),
    'not finite': np.full((50, 3), np.nan), 'a wall': at_depth(3.0)[:100]}


@pytest.mark.parametrize('name', STRAY)
def test_pose_and_confidence_are_as_without_them(estimator, reference, name):
    drill = reference('drill')
    clean = estimator.estimate(CLOUD, [drill])[0]
    both = np.concatenate((STRAY[name], CLOUD)).astype(np.float32)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        found = estimator.estimate(both, [drill])[0]
    assert found.T_observation_reference == pytest.approx(clean.T_observation_reference, abs=1e-5)
    assert found.confidence == pytest.approx(clean.confidence, abs=1e-3)
    assert len(told) == (name != 'not finite')
    assert all('are left out' in str(warning.message) for warning in told)


@pytest.mark.parametrize('position', [(0.0, 0, 0), (0.3, -0.2, 0.9), (0, 0, -1.0), (0, 0, 65.535)])
def test_nothing_of_an_object_is_left_out_wherever_it_is(position):
    """Though a point at the origin, or a metre behind it, may be its own."""
    surface = np.random.default_rng(1).normal(size=(500, 3))
    surface = 0.05 * surface / np.linalg.norm(surface, axis=1, keepdims=True) + position
    surface[0] = position
    found = stray_points(surface, 0.1)
    assert found.kept.all()
    assert found.warning is None


def test_a_cloud_of_more_than_the_object_stays_whole():
    scene = np.random.default_rng(2).uniform(-1, 1, (500, 3))
    assert stray_points(scene, 0.1).kept.all()


def test_the_warning_says_what_was_left_out():
    cloud = np.concatenate((CLOUD, np.zeros((7, 3)), at_depth(65.535)[:5], [[9, 9, 9]]))
    assert stray_points(cloud, 0.2).warning == (
        '7 zeros and 5 placeholders (-1 or 65.535 m) and 1 points far away of '
        f'{len(cloud)} points are left out: they are no readings of the object')
    assert PointCloud.of(cloud[stray_points(cloud, 0.2).kept]).points == pytest.approx(CLOUD)


@pytest.mark.filterwarnings('ignore:.*are left out')
@pytest.mark.parametrize('name', STRAY)
def test_tracks_and_proposals_are_as_without_them(estimator, reference, name):
    drill = reference('drill')
    both = np.concatenate((STRAY[name], CLOUD)).astype(np.float32)
    clean, found = (estimator.track(cloud, drill, T) for cloud in (CLOUD, both))
    assert found.confidence == clean.confidence > 0.9
    assert found.T_observation_reference == pytest.approx(clean.T_observation_reference, abs=1e-5)
    clean, found = (estimator.estimate_by_embedding(cloud, drill) for cloud in (CLOUD, both))
    assert found == pytest.approx(clean, abs=1e-5)


@pytest.mark.filterwarnings('ignore:.*are left out')
@pytest.mark.parametrize('name', STRAY)
def test_references_are_as_without_them(estimator, name):
    """They have no known diameter that tells what is far away."""
    surface = make_object('drill').mesh.vertices + np.float32([0, 0, 0.5])
    for build, points in ((estimator.reference_from_view, CLOUD),
                          (partial(estimator.reference_from_model, symmetry=Symmetry()), surface)):
        found = build(np.concatenate((STRAY[name], points)).astype(np.float32), name='drill')
        assert np.array_equal(found.points, build(points, name='drill').points)


@pytest.mark.parametrize('shape', ['drill', 'mug', 'hammer', 'lollipop'])
@pytest.mark.parametrize('count', [32, 200, 4000])
def test_nothing_of_a_surface_is_left_out_without_its_diameter(shape, count):
    """Thin parts far from the middle of all points included."""
    mesh = LOLLIPOP if shape == 'lollipop' else boxes(*HAMMER) if shape == 'hammer' \
        else make_object(shape).mesh
    points = sample_surface(mesh, count)[0] + np.float32([0.3, 0.1, 0.8])
    assert stray_surface_points(points).kept.all()


@pytest.mark.parametrize(('factor', 'unit'), [(1000, 'mm'), (100, 'mm'), (1e-4, 'm')])
def test_what_is_not_in_metres_is_refused_with_what_to_do(estimator, reference, factor, unit):
    drill, cloud = reference('drill'), CLOUD * factor
    model = make_object('drill').mesh.vertices * factor
    stray = np.concatenate((cloud, np.zeros((50, 3)), [[1e10, 0, 0]]))
    for refused in (lambda: estimator.reference_from_model(model, name='drill'),
                    lambda: estimator.reference_from_view(cloud, name='drill'),
                    lambda: estimator.estimate(cloud, [drill]),
                    lambda: estimator.estimate(stray, [drill]),
                    lambda: estimator.track(cloud, drill, T)):
        with pytest.raises(CloudError, match=f"Read its file with unit='{unit}'"):
            refused()
