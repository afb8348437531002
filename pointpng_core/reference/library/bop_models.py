"""Models of BOP datasets for an object library: millimetres, and the dataset's symmetries."""

from collections.abc import Iterator, Sequence
import dataclasses
from pathlib import Path

from pointpng_core.errors import FileError
from pointpng_core.geometry import Symmetry
from pointpng_core.io.bop import BopObject
from pointpng_core.io.bop.layout import MODELS_INFO
from pointpng_core.io.bop.objects import object_of_file
from pointpng_core.reference.library.adding import AddedObject, NewObject, add_object, check_free

UNIT = 'mm'


def new_object(file: Path, *, name: str, unit: str | None = None,
               symmetry: Symmetry | None = None, detect_symmetry: bool = False) -> NewObject:
    """Return what is to be added, with what a `models_info.json` beside the file says.

    A unit or a symmetry that is given stays; any other file is in metres. Raises FileError.
    """
    item = object_of_file(file)
    if item is None:
        return NewObject(file=file, name=name, unit=unit or 'm', symmetry=symmetry)
    if unit not in (None, UNIT):
        return NewObject(file=file, name=name, unit=str(unit), symmetry=symmetry)
    if symmetry is not None or detect_symmetry:
        return NewObject(file=file, name=name, unit=UNIT, symmetry=symmetry)
    new = as_new_object(item)
    source = 'a BOP model: unit mm' + (
        f', symmetry of {MODELS_INFO}' if new.symmetry is not None else '')
    return dataclasses.replace(new, name=name, notes=(source, *new.notes))


def as_new_object(item: BopObject) -> NewObject:
    """Return an object of a dataset as one to be added; raises FileError for a wrong unit.

    Its notes are about symmetries of the dataset that ours cannot represent.
    """
    _ = item.model  # its size is checked against the dataset's
    return NewObject(file=item.path, name=item.name, unit=UNIT, symmetry=item.symmetry,
                     notes=item.symmetry_notes)


def chosen_objects(items: Sequence[BopObject], object_ids: Sequence[int] | None,
                   ) -> list[BopObject]:
    """Return the objects of some ids, all without any; raises FileError for an unknown id."""
    if object_ids is None:
        return list(items)
    by_id = {item.object_id: item for item in items}
    unknown = [object_id for object_id in object_ids if object_id not in by_id]
    if unknown:
        raise FileError(f'{items[0].path.parent} has no object '
                        f'{", ".join(map(str, unknown))}; it has {", ".join(map(str, by_id))}')
    return [by_id[object_id] for object_id in dict.fromkeys(object_ids)]


def import_objects(library: Path, new: Sequence[NewObject], *, replace: bool = False,
                   ) -> Iterator[AddedObject]:
    """Add objects one after the other, yielding each.

    Nothing is added when the name of any of them is taken (unless `replace`): LibraryError.
    """
    for item in new:
        check_free(library, item.name, replace=replace)
    for item in new:
        yield add_object(library, item, replace=replace)
