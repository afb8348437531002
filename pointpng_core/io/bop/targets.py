"""The targets of the BOP19 evaluation: how many instances of which object to find in an image."""

from dataclasses import dataclass
from pathlib import Path

from pointpng_core.errors import FileError
from pointpng_core.io.bop import layout
from pointpng_core.io.bop.json_files import Record, read_json


@dataclass(frozen=True, kw_only=True)
class BopTarget:
    """One object in one image; `count` instances of it are asked for."""

    scene_id: int
    image_id: int
    object_id: int
    count: int


def read_targets(path: Path) -> list[BopTarget]:
    """Return the targets of a `test_targets_bop19.json`; raises FileError."""
    values = read_json(path, hint='it lists {"scene_id", "im_id", "obj_id", "inst_count"}')
    if not isinstance(values, list):
        raise FileError(f'{path}: expected a list of targets, got {type(values).__name__}')
    return [_target(Record(f'{path}, target {i}', value)) for i, value in enumerate(values)]


def _target(record: Record) -> BopTarget:
    return BopTarget(
        scene_id=record.identity(layout.SCENE_ID), image_id=record.identity(layout.IMAGE_ID),
        object_id=record.identity(layout.OBJECT_ID),
        count=record.identity(layout.INSTANCE_COUNT))
