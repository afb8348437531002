"""Poses that a search did not propose, since they differ by a near symmetry from the ones it did.
"""

from dataclasses import replace
import functools

from helpers.objects import apart_deg, pose
from helpers.references import CONFIG, CountingBuilder
from helpers.tracking import estimate
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.estimation.confidence import FEATURES, PIXEL_FEATURES
from pointpng_core.estimation.pixels import DepthView, PixelJudge, PixelRanking
from pointpng_core.geometry import Symmetry
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.rendering import CastBody, Rectangle, render
from pointpng_core.simulation.shapes.catalogue import make_object

CAMERA = DepthCamera(width=640, height=480, fx=525.0, fy=525.0, cx=319.5, cy=239.5, near_m=0.0,
                     far_m=100.0)
WALL, SIGMA_M = Rectangle(half_x_m=5.0, half_y_m=5.0), 0.001
MARGIN = PIXEL_FEATURES.index('pixel_margin')
LEVEL = Rotation.from_euler('x', 100, degrees=True)
"""A mug that stands upright before a level camera, seen a little from above."""


@functools.cache
def reference(name):
    config = replace(CONFIG, surface_points=6000, views=4)
    return CountingBuilder(config).from_model(make_object(name).mesh, name=name,
                                              symmetry=Symmetry())


@pytest.fixture(scope='module')
def ranking():
    references = [reference('mug'), reference('bracket')]
    return PixelRanking(references, PixelJudge(references))


def standing(azimuth_deg, t=(0.0, 0.05, 0.6)):
    """The pose (4, 4) of an upright mug whose handle points to an azimuth: 90 is away from view.
    """
    return pose((LEVEL * Rotation.from_euler('z', azimuth_deg, degrees=True)).as_matrix(), t)


def seen(*objects, seed=0):
    """The view of (name, pose) before a wall."""
    image = render(CAMERA, [CastBody(make_object(name).mesh) for name, _ in objects],
                   np.array([T for _, T in objects]), (WALL,), pose(t=(0, 0, 0.9)))
    noise = np.random.default_rng(seed).normal(size=image.depth_m.shape) * SIGMA_M
    points = CAMERA.pinhole.backproject((image.depth_m + noise).astype(np.float32)).reshape(-1, 3)
    return DepthView.of(points, noise.shape, np.full(len(points), SIGMA_M))


def found(T, name='mug', score=0.8):
    return replace(estimate(T, score, name=name), features=np.full(len(FEATURES), 0.8))


def test_mugs_found_with_their_handles_elsewhere_mostly_end_at_the_truth(ranking):
    """None does without near symmetries: nothing proposes the true azimuth."""
    right = []
    for azimuth_deg in (0, 180):
        T = standing(azimuth_deg)
        view = seen(('mug', T))
        for off_deg in (120, -120, 180):
            best, = ranking.ranked([[found(standing(azimuth_deg + off_deg))]], view)[0]
            assert best.runners_up
            if apart_deg(best.T_observation_reference, T) < 4:
                assert best.pixel_features[MARGIN] > 0.5
                right.append((azimuth_deg, off_deg))
    assert len(right) >= 4


def test_a_handle_behind_the_body_leaves_the_azimuth_open(ranking):
    view = seen(('mug', standing(90)))
    for start_deg in (90, 110, -90):
        best, = ranking.ranked([[found(standing(start_deg))]], view)[0]
        assert best.pixel_features[MARGIN] < 0.8        # by less than 430 nats of thousands
        others = [other.T_observation_reference for other in best.runners_up]
        assert max(apart_deg(best.T_observation_reference, other) for other in others) > 12


def test_a_mug_at_the_truth_stays_there(ranking):
    T = standing(0)
    best, = ranking.ranked([[found(T)]], seen(('mug', T)))[0]
    assert apart_deg(best.T_observation_reference, T) < 2
    assert not best.ambiguous
    scores = [other.score for other in best.runners_up]
    assert best.score == 0.8
    assert scores == sorted(scores, reverse=True)
    assert scores[0] < 0.78


def test_segments_are_judged_as_each_alone(ranking):
    bracket = pose(Rotation.from_euler('xyz', (0.4, 0.7, 0.2)).as_matrix(), (-0.2, 0.0, 0.6))
    mugs = [standing(180, (0.15, 0.05, 0.6)), standing(180, (0.0, 0.05, 0.65))]
    view = seen(('mug', mugs[0]), ('mug', mugs[1]), ('bracket', bracket))
    turn = pose(Rotation.from_euler('z', 120, degrees=True).as_matrix())
    segments = [[found(mugs[0] @ turn)], [found(bracket, 'bracket')], [], [found(mugs[1] @ turn)]]
    together = ranking.ranked(segments, view)
    assert [apart_deg(together[row][0].T_observation_reference, T) < 4
            for row, T in ((1, bracket), (3, mugs[1]))] == [True] * 2
    for own, estimates in zip(together, segments):
        alone = ranking.ranked([estimates], view)[0]
        for one, other in zip(own, alone):
            np.testing.assert_allclose(one.T_observation_reference,
                                       other.T_observation_reference, atol=1e-3)


def test_nothing_is_turned_where_the_best_pose_explains_little(ranking):
    """A bracket that was taken for a mug stays one, with no more poses than were found."""
    T = pose(Rotation.from_euler('xyz', (0.4, 0.7, 0.2)).as_matrix(), (0.0, 0.05, 0.6))
    best, = ranking.ranked([[found(standing(0, (0.05, 0.0, 0.7)))]], seen(('bracket', T)))[0]
    assert best.runners_up == ()
