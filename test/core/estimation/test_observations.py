"""Clouds prepared for the estimator: one given several times is as several that are equal."""

import numpy as np
import torch

from pointpng_core.estimation.observations import prepare_observations


def test_a_cloud_given_more_than_once_is_as_its_copies():
    rng = np.random.default_rng(0)
    first, second = (rng.normal(size=(count, 3)).astype(np.float32) for count in (200, 60))
    clouds = [second, first, second, first, first]
    again = prepare_observations(clouds, sample=128, device=torch.device('cpu'))
    copied = prepare_observations([cloud.copy() for cloud in clouds], sample=128,
                                  device=torch.device('cpu'))
    assert len(again) == 5
    assert torch.equal(again.points, copied.points)
    assert torch.equal(again.R_view, copied.R_view)
    assert np.array_equal(again.centroids, copied.centroids)
    assert again.clouds[0] is again.clouds[2]
    assert all(np.array_equal(one, other) for one, other in zip(again.clouds, copied.clouds))
