"""Playing recorded items at their pace."""

import threading
import time

from harness import wait_until
from helpers.bags import PERIOD_NS
import pytest

from pointpng_ros.inputs.playback import Playback


def emit_times(**options):
    times = []
    items = [(i * PERIOD_NS, i) for i in range(5)]
    playback = Playback(lambda: items, lambda item: times.append((item, time.monotonic())),
                        **options)
    return playback, times


def test_the_pace_is_the_recordings_times_the_rate():
    for rate in (1.0, 4.0):
        playback, times = emit_times(rate=rate)
        playback.run()
        assert [item for item, _ in times] == [0, 1, 2, 3, 4]
        assert times[-1][1] - times[0][1] >= 4 * PERIOD_NS / 1e9 / rate - 0.005


def test_a_loop_goes_on_until_it_is_stopped():
    playback, times = emit_times(rate=100.0, loop=True)
    thread = threading.Thread(target=playback.run)
    thread.start()
    wait_until(lambda: len(times) > 12, what='a third round')
    playback.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert [item for item, _ in times[:7]] == [0, 1, 2, 3, 4, 0, 1]


def test_an_empty_recording_does_not_loop_forever():
    Playback(list, pytest.fail, loop=True).run()


def test_paused_playback_waits_to_be_resumed():
    playback, times = emit_times(rate=100.0, paused=True)
    thread = threading.Thread(target=playback.run)
    thread.start()
    thread.join(0.1)
    assert not times
    playback.pause(False)
    thread.join(5)
    assert len(times) == playback.emitted == 5
