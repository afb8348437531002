"""What all runs have in common: topics, ROS arguments, helpers of their figures, exit codes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.console import Console

from pointpng_core.cli.output import say_on
from pointpng_core.errors import PointPngError
from pointpng_core.io import TriangleMesh
from pointpng_core.io.object_library import ObjectModel
from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.picture import PictureObject
from pointpng_ros.demo.processes import Children
from pointpng_ros.demo.summary import Summary
from pointpng_ros.demo.table import LiveView, number

Parameters = Mapping[str, str | float | int]
CLOUD_TOPIC, TRUTH_TOPIC = '/camera/depth/points', '/pointpng/ground_truth'
NODE_MODULE = 'pointpng_ros.nodes.pose_estimator'
NODE_PARAMETERS: Parameters = {'cloud_topic': CLOUD_TOPIC, 'cloud_reliability': 'reliable',
                               'marker_points': 1000}
PASSED, FAILED, INTERRUPTED = 0, 1, 130


class Run(Protocol):
    """A run of the demo: what it starts, shows and reports."""

    def start(self, children: Children, folder: Path) -> None:
        """Start the processes; `folder` is theirs for files."""

    def show(self, view: LiveView, record: FrameRecord) -> None:
        """Show a processed frame."""

    def conclude(self, frames: Sequence[FrameRecord]) -> Summary:
        """Return the figures of the run, among them `passed`."""

    def print_summary(self, console: Console, summary: Summary) -> None:
        """Print the result."""

    def picture(self, record: FrameRecord) -> tuple[str, list[PictureObject]]:
        """Return the title and the objects of a frame's picture."""

    def meshes(self) -> dict[str, TriangleMesh]:
        """Return the surfaces of the models by label."""


def ros_arguments(parameters: Parameters) -> list[str]:
    """Return arguments that set ROS parameters; text is quoted, since values are YAML."""
    words = ['--ros-args']
    for name, value in parameters.items():
        words += ['-p', f"{name}:='{value}'" if isinstance(value, str) else f'{name}:={value!r}']
    return words


def meshes_of(models: Sequence[ObjectModel]) -> dict[str, TriangleMesh]:
    """Return the surfaces by label, for the models that have one."""
    return {model.name: model.model for model in models if isinstance(model.model, TriangleMesh)}


def segments_of(record: FrameRecord) -> list[np.ndarray]:
    """Return one segment (N, 3) for each detection, empty where the markers showed none."""
    missing = len(record.detections) - len(record.segments)
    return record.segments + [np.empty((0, 3), dtype=np.float32)] * missing


def span_s(frames: Sequence[FrameRecord]) -> float:
    """Return the time from the first to the last processed frame, plus one mean period."""
    times = [frame.processed_s for frame in frames if frame.processed_s is not None]
    if len(times) < 2:
        return 0.0
    return (max(times) - min(times)) * len(times) / (len(times) - 1)


def pace(summary: Summary) -> str:
    """Return the frames, rate and latency in words."""
    return (f'{summary["frames"]} frames at {summary["frames_per_second"]:.1f} Hz, end to end '
            f'{number(summary["end_to_end_ms_p50"], " ms", 0)} (p95 '
            f'{number(summary["end_to_end_ms_p95"], " ms", 0)})')


def exit_code(command: str, perform: Callable[[], Summary]) -> int:
    """Return 0 if `passed` in the summary, 1 if not or after an error, 130 after Ctrl-C."""
    try:
        summary = perform()
    except PointPngError as error:
        say_on(Console(stderr=True), f'{command}: {error}')
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return PASSED if summary['passed'] else FAILED
