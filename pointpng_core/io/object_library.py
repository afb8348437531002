"""Object libraries: a folder of meshes or clouds and an `objects.yaml` that describes them.

    objects:
      - {name: mug, file: mug.ply, unit: m, symmetry: none}
      - name: can
        file: can.ply
        unit: mm
        symmetry: [{axis: [0, 0, 1], order: continuous}, {axis: [1, 0, 0], order: 2}]

`unit` is m, cm, mm or in (default m). `symmetry` is auto (default: detected in the surface),
none or a list of axes; an axis' `point` defaults to the origin and is in metres. Files lie in the
folder or below it: paths that lead out of it and links are refused.
"""

from collections.abc import Sequence
import dataclasses
import difflib
import os
from pathlib import Path
import re
from typing import Any

import numpy as np
import yaml

from pointpng_core.config import read_yaml_mapping
from pointpng_core.errors import CloudError, ConfigError, FileError, LibraryError
from pointpng_core.geometry import CONTINUOUS, Rotational, Symmetry
from pointpng_core.io import TriangleMesh, read_model, write_cloud, write_mesh
from pointpng_core.io.files import atomic_write_text, path_inside
from pointpng_core.io.model_files import check_extent, check_metres
from pointpng_core.text import did_you_mean, nearest, shown

OBJECTS_FILE, OBJECTS_KEY = 'objects.yaml', 'objects'
_HOW_TO_BEGIN = 'add objects with `pointpng objects add`'
AUTO, NONE = 'auto', 'none'
_OBJECT_KEYS = ('name', 'file', 'unit', 'symmetry')
_ELEMENT_KEYS = ('axis', 'order', 'point')
MAX_NAME_LETTERS = 100
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ObjectModel:
    """An object of a library: its surface or points (N, 3) float32, in metres, and its symmetry.

    symmetry: None means that it is detected when the object becomes a reference; name: letters,
    digits and underscores, since it becomes part of a TF frame; path: its file.
    """

    name: str
    model: TriangleMesh | np.ndarray
    symmetry: Symmetry | None
    path: Path

    @property
    def points(self) -> np.ndarray:
        """Return the vertices or points (N, 3) float32 in metres, in the object's own frame."""
        return self.model.vertices if isinstance(self.model, TriangleMesh) else self.model


def load_library(folder: str | Path) -> list[ObjectModel]:
    """Read every object that `folder/objects.yaml` lists, in its order.

    Raises LibraryError, naming file, object and value: a missing or broken file, an unknown key
    or unit, a name given twice, an extent outside 1 mm to 10 m.
    """
    source = Path(folder) / OBJECTS_FILE
    entries = _read_entries(source)
    models: list[ObjectModel] = []
    for position, entry in enumerate(entries):
        model = read_object(source, position, entry)
        if model.name in [other.name for other in models]:
            raise LibraryError(f'{source}: the name {model.name!r} is given twice')
        models.append(model)
    return models


def named_object(folder: str | Path, name: str) -> ObjectModel:
    """Read one object of a library, even if others are broken; raises LibraryError."""
    source = Path(folder) / OBJECTS_FILE
    entries = _read_entries(source)
    names = [name_of(entry) for entry in entries]
    if name not in names:
        raise LibraryError(f'{source} has no object {shown(name)}; '
                           + did_you_mean(name, names, known='it has'))
    return read_object(source, names.index(name), entries[names.index(name)])


def write_library(folder: str | Path, models: Sequence[ObjectModel]) -> None:
    """Write models as ply files and an `objects.yaml` that `load_library` reads back.

    The models' own paths are not used; the folder is made. Raises LibraryError, also for a model
    that is not in metres, or FileError.
    """
    folder = Path(folder)
    _check_metres(models)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(f'cannot make the folder {folder}: {error.strerror}') from error
    entries = []
    for model in models:
        file = f'{model.name}.ply'
        if isinstance(model.model, TriangleMesh):
            write_mesh(folder / file, model.model)
        else:
            write_cloud(folder / file, model.model)
        entries.append({'name': model.name, 'file': file, 'unit': 'm',
                        'symmetry': symmetry_entry(model.symmetry)})
    text = yaml.safe_dump({'objects': entries}, sort_keys=False, default_flow_style=None)
    atomic_write_text(folder / OBJECTS_FILE, text)


def _check_metres(models: Sequence[ObjectModel]) -> None:
    try:
        for model in models:
            check_metres(f'model {model.name!r}', model.points)
    except CloudError as error:
        raise LibraryError(str(error)) from error


def _read_entries(source: Path) -> list[Any]:
    if not os.path.isdir(source.parent):     # False, not an error, for what can be no path
        raise LibraryError(f'object library {source.parent} is not a folder; {_HOW_TO_BEGIN}')
    if not os.path.exists(source):
        raise LibraryError(f'object library {source.parent} has no {OBJECTS_FILE}; '
                           f'{_HOW_TO_BEGIN}')
    try:
        return _entries(source, read_yaml_mapping(source))
    except FileError as error:
        raise LibraryError(f'object library: {error}') from error


def _entries(source: Path, content: dict[str, Any]) -> list[Any]:
    check_is_library(content, where=f'{source}')
    _check_keys(f'{source}', content, (OBJECTS_KEY,))
    entries = content.get(OBJECTS_KEY)
    if not isinstance(entries, list) or not entries:
        raise LibraryError(f'{source}: expected "objects:" with a list of at least one object, '
                           f'got {shown(entries)}')
    return entries


def check_is_library(content: dict[str, Any], *, where: str) -> None:
    """Raise LibraryError, which quotes nothing, for a mapping that may be of any other file."""
    if content and OBJECTS_KEY not in content:
        near = any(nearest(str(key), (OBJECTS_KEY,)) for key in content)
        raise LibraryError(f'{where} is no object library: it has no key "{OBJECTS_KEY}"'
                           + (f'; did you mean {OBJECTS_KEY!r}?' if near else ''))


def name_of(entry: Any) -> str:
    """Return the name of an entry; an empty text where it has none."""
    name = entry.get('name') if isinstance(entry, dict) else None
    return name if isinstance(name, str) else ''


def read_object(source: Path, position: int, entry: Any) -> ObjectModel:
    """Read the object of one entry of the objects.yaml at `source`; raises LibraryError.

    `position` is that of the entry, from 0, for messages.
    """
    where = f'{source}, object {position + 1}'
    if not isinstance(entry, dict):
        raise LibraryError(f'{where}: expected {{name, file, unit, symmetry}}, got {shown(entry)}')
    name = _name(where, entry)
    where = f'{where} ({name})'
    path = _path(where, source.parent, entry)
    try:
        model = read_object_model(path, entry.get('unit', 'm'))
        symmetry = _symmetry(where, entry.get('symmetry', AUTO))
    except (FileError, ConfigError) as error:
        raise LibraryError(f'{where}: {error}') from error
    return ObjectModel(name=name, model=model, symmetry=symmetry, path=path)


def read_object_model(path: Path, unit: Any) -> TriangleMesh | np.ndarray:
    """Read a mesh or points (N, 3), all finite, in metres; raises FileError.

    An extent outside 1 mm to 10 m is refused, naming the likely unit.
    """
    model = read_model(path, unit=unit)
    points = model.vertices if isinstance(model, TriangleMesh) else model
    broken = int((~np.isfinite(points).all(axis=1)).sum())
    if broken:
        raise FileError(f'{path}: {broken} of its {len(points)} points are not finite; '
                        f'remove them from the file')
    check_extent(f'{path}', points, unit)
    return model


def _name(where: str, entry: dict[str, Any]) -> str:
    _check_keys(where, entry, _OBJECT_KEYS)
    return checked_name(where, entry.get('name'))


def checked_name(where: str, name: Any) -> str:
    """Return the name of an object if it may become part of a TF frame; raises LibraryError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > MAX_NAME_LETTERS:
        raise LibraryError(f'{where}: name {shown(name)} must be letters, digits and underscores, '
                           f'at most {MAX_NAME_LETTERS}, starting with a letter (it becomes part '
                           'of a TF frame)')
    return name


def _path(where: str, folder: Path, entry: dict[str, Any]) -> Path:
    file = entry.get('file')
    try:
        path = path_inside(folder, file)
    except FileError as error:
        raise LibraryError(f'{where}: file {error}') from error
    if not os.path.exists(path):
        near = difflib.get_close_matches(str(file), os.listdir(folder), n=1)
        hint = f'; did you mean {near[0]!r}?' if near else ''
        raise LibraryError(f'{where}: there is no file {path}{hint}')
    return path


def _symmetry(where: str, entry: Any) -> Symmetry | None:
    if entry == AUTO:
        return None
    if entry == NONE:
        return Symmetry()
    if not isinstance(entry, list):
        raise LibraryError(f'{where}: symmetry {shown(entry)} must be auto (detected), none or a '
                           f'list of axes such as [{{axis: [0, 0, 1], order: continuous}}]')
    return Symmetry(elements=tuple(_rotational(where, element) for element in entry))


def _rotational(where: str, entry: Any) -> Rotational:
    if not isinstance(entry, dict):
        raise LibraryError(f'{where}: symmetry axis {shown(entry)} must be {{axis, order, point}}')
    _check_keys(f'{where}, symmetry', entry, _ELEMENT_KEYS)
    for key in ('axis', 'order'):
        if key not in entry:
            raise LibraryError(f'{where}: symmetry axis {shown(entry)} has no {key!r}')
    order = CONTINUOUS if entry['order'] == 'continuous' else entry['order']
    return Rotational(axis=entry['axis'], order=order, point=entry.get('point', (0.0, 0.0, 0.0)))


def symmetry_entry(symmetry: Symmetry | None) -> Any:
    """Return the value of `symmetry` in an entry; None is one that is to be detected."""
    if symmetry is None:
        return AUTO
    if not symmetry.elements:
        return NONE
    return [{'axis': list(element.axis), 'point': list(element.point),
             'order': 'continuous' if element.order == CONTINUOUS else element.order}
            for element in symmetry.elements]


def _check_keys(where: str, entry: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in entry:
        if key not in known:
            raise LibraryError(f'{where}: unknown key {shown(key)}; {did_you_mean(key, known)}')
