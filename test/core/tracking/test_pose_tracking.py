"""Tracking of single poses by the estimator: from nearby, in batches, and when it is lost."""

from helpers.objects import apart_deg, moved, pose, random_rotation_matrix, whole
from helpers.tracking import perturbed, visible
import numpy as np
import pytest

from pointpng_core.errors import CloudError, ConfigError
from pointpng_core.simulation.shapes.catalogue import make_object


@pytest.mark.parametrize('name', ['drill', 'bracket', 'hammer'])
def test_a_pose_is_tracked_from_nearby(estimator, reference, name):
    T, points = visible(name)
    model = reference(name)
    for seed in range(3):
        start = perturbed(T, 8, 0.04 * model.diameter_m, model, seed)
        found = estimator.track(points, model, start)
        assert apart_deg(found.T_observation_reference, T) < 2
        assert np.abs(found.T_observation_reference - T)[:3, 3].max() < 0.005
        assert found.name == name
        assert found.score > 0.5


def test_tracking_one_by_one_and_in_a_batch_agree(estimator, reference):
    names = ['drill', 'bracket', 'drill']
    clouds = [visible(name, seed)[1] for seed, name in enumerate(names)]
    starts = [perturbed(visible(name, seed)[0], 5, 0.005, reference(name), seed)
              for seed, name in enumerate(names)]
    models = [reference(name) for name in names]
    together = estimator.track_batch(clouds, models, starts)
    for cloud, model, start, expected in zip(clouds, models, starts, together):
        alone = estimator.track(cloud, model, start)
        assert np.abs(alone.T_observation_reference
                      - expected.T_observation_reference).max() < 1e-4
        assert alone.score == pytest.approx(expected.score, abs=1e-3)
    assert estimator.track_batch([], [], []) == []


def test_a_full_surface_is_tracked_too(estimator, reference):
    T = pose(random_rotation_matrix(4), (0.02, 0.01, 0.03))
    cloud = moved(T, whole('drill', 1500))
    start = perturbed(T, 8, 0.01, reference('drill'))
    assert apart_deg(estimator.track(cloud, reference('drill'), start)
                     .T_observation_reference, T) < 1


def test_an_object_far_away_or_another_object_is_lost(estimator, reference):
    T, points = visible('drill')
    model = reference('drill')
    assert estimator.track(points, model, perturbed(T, 120, 0.0, model)) is None
    assert estimator.track(points, model, perturbed(T, 0, 0.5, model)) is None
    assert estimator.track(points, reference('can'), T) is None
    assert estimator.track(points, model, T) is not None


def test_the_symmetric_equal_nearest_to_the_previous_pose_is_returned(estimator, reference):
    T, points = visible('can')
    symmetry = make_object('can').symmetry
    for step in range(0, 36, 7):
        start = T @ symmetry.transforms()[step]
        found = estimator.track(points, reference('can'), start)
        assert apart_deg(found.T_observation_reference, start) < 3


def test_senseless_previous_poses_are_refused(estimator, reference):
    T, points = visible('drill')
    with pytest.raises(ConfigError, match='one of each'):
        estimator.track_batch([points], [reference('drill')], [])
    with pytest.raises(ConfigError, match='previous pose 0'):
        estimator.track(points, reference('drill'), np.full((4, 4), np.nan))
    with pytest.raises(CloudError):
        estimator.track(points[:3], reference('drill'), T)
