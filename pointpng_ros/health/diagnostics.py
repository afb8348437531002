"""The node's state as diagnostic_msgs/DiagnosticStatus, and what failed clouds are called."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import sys
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from pointpng_core.evaluation.speed.memory import resident_mb
from pointpng_core.text import printable
from pointpng_ros.health.frame_statistics import Summary

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.segmentation.support_choice import SupportChoice
    from pointpng_core.tracking.frame_result import ObjectState

LOW_FINITE_SHARE = 0.05


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """State of the node that the statistics of a camera do not contain."""

    dropped: int
    skipped: int                      # by max_rate_hz
    silent_s: float | None            # since the last cloud; None before the first one
    cloud_timeout_s: float
    references: int
    device: str
    idle: str = ''                    # why clouds are not processed
    noun: str = 'cloud'               # what the camera sends
    unmatched: int = 0                # depth images that were given up
    missing: str = ''                 # what does not come that they need


def diagnose(summary: Summary, state: NodeState) -> tuple[bytes, str]:
    """Return the level and its reason in words, the most severe first."""
    if state.silent_s is None:
        return DiagnosticStatus.WARN, f'waiting for the first {state.noun}'
    if state.silent_s > state.cloud_timeout_s:
        return DiagnosticStatus.ERROR, f'no {state.noun} for {state.silent_s:.0f} s'
    if state.missing:
        return DiagnosticStatus.ERROR, f'{summary.received} {state.noun}s, {state.missing}'
    return _diagnose_processing(summary, state)


def _diagnose_processing(summary: Summary, state: NodeState) -> tuple[bytes, str]:
    if state.idle:
        return DiagnosticStatus.OK, state.idle
    if summary.problem:
        return DiagnosticStatus.ERROR, summary.problem
    if state.references == 0:
        return DiagnosticStatus.WARN, 'no references: no object found in a cloud yet'
    if summary.processed and summary.finite_share < LOW_FINITE_SHARE:
        return DiagnosticStatus.WARN, f'only {summary.finite_share:.1%} of the points are finite'
    if summary.warnings:
        return DiagnosticStatus.WARN, '; '.join(summary.warnings)
    return DiagnosticStatus.OK, 'running'


def camera_status(name: str, summary: Summary, state: NodeState) -> DiagnosticStatus:
    """Return every figure of a camera; times in milliseconds, shares in [0, 1]."""
    level, message = diagnose(summary, state)
    values = {
        'state': message, 'device': state.device, 'references': state.references,
        'received': summary.received, 'processed': summary.processed, 'dropped': state.dropped,
        'skipped': state.skipped, 'unmatched': state.unmatched, 'ignored': summary.ignored,
        'refused': summary.refused, 'failed': summary.failed,
        'rate_hz': f'{summary.rate_hz:.2f}', 'objects': summary.objects, 'plane': summary.plane,
        'not_accepted': '; '.join(summary.not_accepted),
        'tracked_per_frame': f'{summary.tracked_mean:.2f}',
        'searched_per_frame': f'{summary.searched_mean:.2f}',
        'non_finite_share': f'{1 - summary.finite_share:.4f}',
        'latency_p50_ms': f'{summary.latency_p50_ms:.1f}',
        'latency_p95_ms': f'{summary.latency_p95_ms:.1f}',
        'stamp_age_p50_ms': f'{summary.stamp_age_p50_ms:.1f}',
        **{f'stage_{stage}_ms': f'{value:.1f}' for stage, value in summary.stage_ms.items()},
        'memory_mb': _memory_mb()}
    return DiagnosticStatus(level=level, name=name, message=printable(message),
                            hardware_id=state.device, values=_key_values(values))


def support_in_words(support: 'SupportChoice') -> str:
    """Return the plane on which the objects of a frame stand, in the frame of the cloud, and why.

    Without such a plane, the reasons against each of the visible ones.
    """
    if support.plane is None:
        return support.reason
    (x, y, z), below_m = support.plane.normal, support.plane.offset_m
    return (f'normal ({x:.3f}, {y:.3f}, {z:.3f}), {below_m:.3f} m below the origin; '
            f'{support.reason}')


def objects_status(name: str, states: 'Sequence[ObjectState]') -> DiagnosticStatus:
    """Return the states of a camera's objects, `ObjectState`s, by LABEL_INDEX or label."""
    counts = Counter(state.state for state in states)
    message = ', '.join(f'{number} {word}' for word, number in counts.items()) or 'no objects'
    return DiagnosticStatus(
        level=DiagnosticStatus.OK, name=name, message=message,
        values=_key_values({state.name: _in_words(state) for state in states}))


def _in_words(state: 'ObjectState') -> str:
    if state.index is None:
        return str(state.state)
    return (f'{state.state}, confidence {state.confidence:.3f}, age {state.age} frames, '
            f'missed {state.missed}')


def _key_values(values: Mapping[str, object]) -> list[KeyValue]:
    return [KeyValue(key=printable(key), value=printable(value))
            for key, value in values.items()]


def _memory_mb() -> str:
    try:
        return f'{resident_mb():.0f}'
    except OSError:      # no /proc
        return 'nan'


def describe_error(error: Exception) -> str:
    """Return one line for log and diagnostics: the error and, where that is known, the fix."""
    text = printable(f'{type(error).__name__}: {error}'.split('\n')[0])
    if out_of_gpu_memory(error):
        return (f'GPU out of memory, its cached memory was given back ({text}). Fix: close what '
                'else uses the GPU, lower pipeline.max_objects or estimator.search.*, or set '
                'device to cpu')
    return text


def out_of_gpu_memory(error: Exception) -> bool:
    """Return whether torch ran out of the memory of a GPU."""
    torch = sys.modules.get('torch')     # a node without it cannot have run out
    return torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)


def release_gpu_memory() -> None:
    """Give back the GPU memory that torch caches; without a GPU nothing happens."""
    sys.modules['torch'].cuda.empty_cache()
