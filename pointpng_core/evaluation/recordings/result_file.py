"""Results of one recording as JSON lines: a header, a line for each cloud, a summary.

Every line is an object whose `record` says which it is:

header   bag, bag_bytes, topic (null where none could be chosen), version, library and digest
         (SHA-256, shortened, of the files of the object library, and of all that determines the
         poses but the bag), model, device, only_topic, only_frames, viewpoint, camera_info and
         depth_scale (the options --topic, --frames, --viewpoint, --camera-info, --depth-scale)
frame    stamp_ns and frame_id of the cloud, refused (why it was not processed, else null),
         warnings (what is wrong with it), objects: label, index (both together name an object
         over all frames), T_camera_object (4x4, in the frame of the cloud), confidence, score,
         ambiguous, tracked; not_accepted, one for each segment without an accepted pose: label
         (what it was taken for, null where no pose was found), confidence, score, points,
         centre_m (3, in the frame of the cloud), reason; stage_ms
summary  frames, refused, warned (frames with warnings) and poses (counts), refusal and warning
         (the first of each, null without any), damage ("" for an intact bag), error (why the bag
         could not be processed to its end, else null), wall_s

`stage_ms` and `wall_s` are measured times; everything else is the same whenever, and by whichever
worker, a recording is processed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
from typing import Any

from pointpng_core.errors import FileError
from pointpng_core.io.files import atomic_write, to_jsonable

HEADER, FRAME, SUMMARY = 'header', 'frame', 'summary'
TIMES = ('stage_ms', 'wall_s')
"""Keys of measured times."""
TAIL_BYTES = 1 << 16
"""More than any summary takes."""


class ResultWriter:
    """Writes the records of one recording."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, kind: str, content: dict[str, Any]) -> None:
        """Append a record."""
        record = to_jsonable({'record': kind, **content})
        self._stream.write(json.dumps(record, allow_nan=False, separators=(',', ':')) + '\n')


@contextmanager
def result_writer(path: Path) -> Iterator[ResultWriter]:
    """Yield a writer whose file appears at `path` when it is complete, and not before.

    Raises FileError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as whole, whole.open('w', encoding='utf-8') as stream:
            yield ResultWriter(stream)
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of results; raises FileError."""
    try:
        with path.open(encoding='utf-8') as stream:
            for line in stream:
                yield _record(path, line)
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f'cannot read {path}: {error}') from error


def read_ends(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and summary of a file of results without reading the rest.

    Raises FileError for a file that `pointpng frames` did not write.
    """
    try:
        with path.open('rb') as stream:
            first = stream.readline(TAIL_BYTES)
            stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
            last = stream.read().splitlines()[-1:] or [b'']
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    header, summary = (_record(path, line) for line in (first, last[0]))
    if header.get('record') != HEADER or summary.get('record') != SUMMARY:
        raise FileError(f'{path} was not written by `pointpng frames`')
    return header, summary


def _record(path: Path, line: str | bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise FileError(f'{path} was not written by `pointpng frames`: a line is no record')
    return record
