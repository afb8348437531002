"""A run over a recorded bag: there is no truth, so its figures are counts and milliseconds."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pointpng_core.cli.output import markup, say_on
from pointpng_core.io import TriangleMesh
from pointpng_core.io.object_library import load_library
from pointpng_ros.demo.frame_log import FrameRecord
from pointpng_ros.demo.picture import PictureObject
from pointpng_ros.demo.processes import Children
from pointpng_ros.demo.runs import (
    CLOUD_TOPIC,
    NODE_MODULE,
    NODE_PARAMETERS,
    meshes_of,
    pace,
    ros_arguments,
    segments_of,
    span_s,
)
from pointpng_ros.demo.summary import Summary, latency, quantile
from pointpng_ros.demo.table import LiveView, number, percent, pose_table

PLAY_OPTIONS = ('--as', CLOUD_TOPIC, '--wait', '60', '--loop')


class BagRun:
    """Node over a recorded bag: no truth, so the figures are counts and milliseconds."""

    def __init__(self, *, bag: Path, objects: Path | None) -> None:
        self._bag, self._objects = bag, objects
        self._models = load_library(objects) if objects else []
        self._shown = 0

    def start(self, children: Children, folder: Path) -> None:
        """Start the node, then the player."""
        node = {**NODE_PARAMETERS, 'objects': str(self._objects or '')}
        children.start('pose_estimator', NODE_MODULE, ros_arguments(node))
        children.start('play', 'pointpng_ros.nodes.bag_player', [str(self._bag), *PLAY_OPTIONS])

    def show(self, view: LiveView, record: FrameRecord) -> None:
        """Show what was detected."""
        self._shown += 1
        title = (f'frame {self._shown}, {number(record.end_to_end_ms, " ms", 0)} end to end, '
                 f'{len(record.detections)} objects')
        view.show(title, pose_table(record.detections, record.end_to_end_ms, record.refused),
                  ', '.join([*(found.frame for found in record.detections),
                             *(each.text for each in record.refused)]))

    def conclude(self, frames: Sequence[FrameRecord]) -> Summary:
        """Return frames, frames_per_second, detections_per_frame, end_to_end_ms_*, objects.

        `not_accepted` are the last frame's segments without an accepted pose, in words.
        """
        seen = Counter(found.frame for frame in frames for found in frame.detections)
        counts = [float(len(frame.detections)) for frame in frames]
        return {'frames': len(frames),
                'frames_per_second': len(frames) / max(span_s(frames), 1e-9),
                'detections': sum(seen.values()),
                'detections_per_frame': quantile(counts, 0.5), 'passed': bool(seen),
                **latency([frame.end_to_end_ms for frame in frames]),
                'not_accepted': [each.text for each in frames[-1].refused] if frames else [],
                'objects': [{'object': name, 'frames': count, 'share': count / len(frames)}
                            for name, count in sorted(seen.items())]}

    def print_summary(self, console: Console, summary: Summary) -> None:
        """Print one row for each object that was ever seen."""
        table = Table('object', 'frames', 'share of frames')
        for row in summary['objects']:
            table.add_row(markup(row['object']), str(row['frames']), percent(row['share']))
        console.print(table)
        for text in summary['not_accepted']:
            say_on(console, f'not accepted in the last frame: {text}')
        say_on(console, f'{summary["detections"]} detections; {pace(summary)}')

    def picture(self, record: FrameRecord) -> tuple[str, list[PictureObject]]:
        """Return the title and every detection."""
        objects = [PictureObject(pose=pose, segment=segment)
                   for pose, segment in zip(record.detections, segments_of(record))]
        found = f'{len(objects)} object{"" if len(objects) == 1 else "s"}'
        return (f'pointpng: {found}, {number(record.end_to_end_ms, " ms", 0)} '
                'after the cloud'), objects

    def meshes(self) -> dict[str, TriangleMesh]:
        """Return the surfaces of the library, if there is one."""
        return meshes_of(self._models)
