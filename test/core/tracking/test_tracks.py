"""The tracks between frames: indices, jumps in time, and the transitions of one track."""

from dataclasses import FrozenInstanceError

from helpers.objects import pose
from helpers.tracking import PLACE, estimate, started_tracks
import numpy as np
import pytest

from pointpng_core.tracking.config import TrackingConfig
from pointpng_core.tracking.track import Track
from pointpng_core.tracking.tracks import Tracks

CONFIG = TrackingConfig()


def test_indices_are_free_again_when_a_track_is_dropped(reference):
    T = pose(t=PLACE)
    tracks = started_tracks(reference, CONFIG, ('can', T), ('can', T), ('mug', T))
    assert [track.index for track in tracks] == [0, 1, 0]
    first, second, mug = tracks
    for frame in range(CONFIG.max_missed + 1):
        assert next(iter(tracks)).key == first.key
        assert next(iter(tracks)).missed == frame
        tracks.begin_frame(0.1 * (frame + 1), CONFIG)
        tracks.end_frame([second, mug], CONFIG)
    assert [track.key for track in tracks] == [second.key, mug.key]
    assert tracks.start(estimate(T, name='can'), reference('can'), check_every=10).index == 0


@pytest.mark.parametrize(('stamps', 'kept'), [
    ((0.0, 0.5), 1), ((5.0, 5.0), 1), ((5.0, 4.9), 0), ((0.0, 2.1), 0), ((None, None), 1),
    ((None, 1.0), 0), ((1.0, None), 0)])
def test_jumps_in_time_drop_all_tracks(reference, stamps, kept):
    tracks = Tracks()
    tracks.begin_frame(stamps[0], CONFIG)
    tracks.start(estimate(pose(t=PLACE)), reference('drill'), check_every=10)
    tracks.begin_frame(stamps[1], CONFIG)
    assert len(tracks) == kept


@pytest.fixture
def track(reference):
    return Track.started(estimate(pose(t=PLACE)), reference('drill'), index=2,
                         frames_since_search=3)


def test_a_track_is_immutable_and_its_transitions_return_new_ones(track):
    with pytest.raises(FrozenInstanceError):
        track.missed = 1
    assert (track.coasted().coasted().missed, track.missed) == (2, 0)
    assert (track.doubted().doubted().doubts, track.doubted().trusted().doubts) == (2, 0)
    assert track.coasted().key == ('drill', 2)


def test_a_confirmed_track_is_where_it_was_posed(track):
    T = pose(t=(0.1, 0.0, 0.7))
    posed = track.coasted().confirmed(estimate(T, 0.5), searched=False)
    assert (posed.missed, posed.age, posed.frames_since_search) == (0, 2, 4)
    assert posed.T_expected is T
    assert 0.5 < posed.mean_score < track.mean_score
    assert track.confirmed(estimate(T), searched=True).frames_since_search == 0


def test_a_moving_track_is_predicted_to_go_on(track):
    step = pose(t=(0.01, 0.0, 0.0))
    T_next = step @ track.estimate.T_observation_reference
    moving = track.with_motion_to(T_next, np.eye(4), time=0.5, smoothing=0.0)
    predicted = moving.confirmed(estimate(T_next), searched=False).predicted(np.eye(4), 1.0)
    assert np.allclose(predicted.T_expected, step @ step @ T_next)
    # What the camera does is no motion of the object.
    still = track.with_motion_to(T_next, step, time=0.5, smoothing=0.0)
    assert np.allclose(still.motion.shift_m, 0.0)
    assert track.coasted().with_motion_to(T_next, np.eye(4), time=0.5, smoothing=0.0
                                          ).motion is track.motion
