"""Finding recordings: a file, the folder of a rosbag2 recording, or folders of either."""

from pathlib import Path

STORAGE_SUFFIXES = ('.mcap', '.db3', '.bag')
_METADATA = 'metadata.yaml'


def find_bags(path: Path) -> list[Path]:
    """Return the bags at or below a path, sorted; other files are ignored.

    A folder whose recorder was killed has no metadata.yaml: its files count as bags of their own.
    """
    if not path.is_dir():
        return [path] if path.is_file() and path.suffix in STORAGE_SUFFIXES else []
    if _is_recording(path):
        return [path]
    return [bag for entry in sorted(path.iterdir()) for bag in find_bags(entry)]


def _is_recording(folder: Path) -> bool:
    metadata = folder / _METADATA
    return metadata.is_file() and b'rosbag2_bagfile_information' in metadata.read_bytes()
