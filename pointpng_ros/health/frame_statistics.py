"""Counters and timings of the node over a sliding window, without ROS."""

from collections import deque
from dataclasses import dataclass, field
import threading
import time

import numpy as np


@dataclass(frozen=True, kw_only=True)
class FrameTiming:
    """One processed cloud: when it was published and how long everything took."""

    finished_s: float
    latency_ms: float                 # reception to the last publication
    stamp_age_ms: float               # the cloud's stamp to the last publication, node's clock
    finite_share: float
    objects: int
    tracked: int                      # of these objects, from their previous pose
    searched: int                     # segments that a global search was done for
    stage_ms: dict[str, float]
    warnings: tuple[str, ...] = ()    # what may be wrong with the frame, in words
    plane: str = ''                   # what the objects stand on, in words
    not_accepted: tuple[str, ...] = ()  # segments without an accepted pose, in words


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the diagnostics show; rates and percentiles over the window, counts since the start."""

    received: int
    processed: int
    refused: int
    failed: int
    ignored: int
    problem: str
    rate_hz: float
    latency_p50_ms: float
    latency_p95_ms: float
    stamp_age_p50_ms: float
    finite_share: float
    objects: int
    tracked_mean: float
    searched_mean: float
    stage_ms: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()    # of the newest processed cloud
    plane: str = ''                   # of the newest processed cloud
    not_accepted: tuple[str, ...] = ()  # of the newest processed cloud


class FrameStatistics:
    """Collects events from the executor and the worker; `summary` may be called from both."""

    def __init__(self, *, window_s: float = 10.0) -> None:
        self._window_s = window_s
        self._lock = threading.Lock()
        self._frames: deque[FrameTiming] = deque()
        self._received = self._processed = self._refused = self._failed = self._ignored = 0
        self._problem = ''

    def count_received(self) -> None:
        """Count a cloud that reached the subscription."""
        with self._lock:
            self._received += 1

    def count_refused(self, problem: str) -> None:
        """Count a cloud that cannot be used."""
        with self._lock:
            self._refused += 1
            self._problem = problem

    def count_failed(self, problem: str) -> None:
        """Count a cloud on which the pipeline failed."""
        with self._lock:
            self._failed += 1
            self._problem = problem

    def count_ignored(self) -> None:
        """Count a cloud that was not processed: the node is disabled, or nobody subscribes."""
        with self._lock:
            self._ignored += 1
            self._problem = ''

    def add(self, frame: FrameTiming) -> None:
        """Add a processed cloud; the last problem counts as over."""
        with self._lock:
            self._processed += 1
            self._problem = ''
            self._frames.append(frame)
            self._forget_before(frame.finished_s - self._window_s)

    def summary(self, now_s: float | None = None) -> Summary:
        """Return the figures at `now_s` of time.monotonic()."""
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            self._forget_before(now_s - self._window_s)
            frames = list(self._frames)
            return Summary(
                received=self._received, processed=self._processed, refused=self._refused,
                failed=self._failed, ignored=self._ignored, problem=self._problem,
                rate_hz=_rate_hz(frames, now_s),
                latency_p50_ms=_percentile([frame.latency_ms for frame in frames], 50),
                latency_p95_ms=_percentile([frame.latency_ms for frame in frames], 95),
                stamp_age_p50_ms=_percentile([frame.stamp_age_ms for frame in frames], 50),
                finite_share=frames[-1].finite_share if frames else 0.0,
                objects=frames[-1].objects if frames else 0,
                tracked_mean=_mean([frame.tracked for frame in frames]),
                searched_mean=_mean([frame.searched for frame in frames]),
                stage_ms=_mean_stages(frames),
                warnings=frames[-1].warnings if frames else (),
                plane=frames[-1].plane if frames else '',
                not_accepted=frames[-1].not_accepted if frames else ())

    def _forget_before(self, limit_s: float) -> None:
        while self._frames and self._frames[0].finished_s < limit_s:
            self._frames.popleft()


def _rate_hz(frames: list[FrameTiming], now_s: float) -> float:
    """Return frames after the first by the time since the first."""
    if len(frames) < 2:
        return 0.0
    return (len(frames) - 1) / max(now_s - frames[0].finished_s, 1e-9)


def _percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent)) if values else 0.0


def _mean(values: list[int]) -> float:
    return float(np.mean(values)) if values else 0.0


def _mean_stages(frames: list[FrameTiming]) -> dict[str, float]:
    names = dict.fromkeys(name for frame in frames for name in frame.stage_ms)
    return {name: float(np.mean([frame.stage_ms[name] for frame in frames
                                 if name in frame.stage_ms])) for name in names}
