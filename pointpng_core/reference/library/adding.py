"""Adding a model file to an object library: it is checked, copied and entered."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
import os
from pathlib import Path
import shutil
from typing import Any
import warnings

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError, LibraryError
from pointpng_core.geometry import Symmetry
from pointpng_core.io import TriangleMesh
from pointpng_core.io.files import (
    atomic_write,
    atomic_write_text,
    file_sha256,
    remove_leftovers,
)
from pointpng_core.io.object_library import (
    OBJECTS_FILE,
    checked_name,
    name_of,
    read_object_model,
    symmetry_entry,
)
from pointpng_core.reference.builder import default_builder
from pointpng_core.reference.library.model_checks import notes_about
from pointpng_core.reference.library.yaml_edit import entries_in, read_text, with_entry


@dataclass(frozen=True, kw_only=True)
class NewObject:
    """What is to be added: `file` in `unit` as `name`, with its symmetry.

    `symmetry` None means that it is detected in the surface. `notes` are sentences about where
    unit and symmetry come from, for whoever adds it.
    """

    file: Path
    name: str
    unit: str = 'm'
    symmetry: Symmetry | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AddedObject:
    """The added object and its measures, in metres."""

    name: str
    path: Path
    diameter_m: float
    extent_m: NDArray[np.float64]
    """(3,) along x, y and z of its frame."""
    faces: int
    """0 of a cloud."""
    points: int
    symmetry: Symmetry
    notes: tuple[str, ...]


def add_object(library: Path, new: NewObject, *, replace: bool = False) -> AddedObject:
    """Check a file, copy it into the library and enter it in its objects.yaml.

    The library is made if it is not there. What a process that was killed meanwhile left is
    removed, or adopted: a copy of the same file that no entry names. Nothing else changes when an
    error is raised: LibraryError for a name that is taken (unless `replace`) or not allowed,
    FileError for a file or unit, CloudError for a model without a surface.
    """
    check_free(library, new.name, replace=replace)
    model = read_object_model(new.file, new.unit)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the notes say the same
        reference = default_builder().from_model(model, name=new.name, symmetry=new.symmetry)
    with _locked(library):
        check_free(library, new.name, replace=replace)
        path = _enter(library, new, replace)
    points, faces = (model.vertices, len(model.faces)) if isinstance(model, TriangleMesh) \
        else (model, 0)
    surface, notes = notes_about(model, diameter_m=reference.diameter_m)
    return AddedObject(
        name=new.name, path=path, diameter_m=reference.diameter_m,
        extent_m=np.ptp(surface.astype(np.float64), axis=0), points=len(points),
        faces=faces, symmetry=reference.symmetry,
        notes=(*new.notes, *notes))


def check_free(library: Path, name: str, *, replace: bool) -> None:
    """Raise LibraryError when the name is not allowed, or taken and not to be replaced."""
    source = library / OBJECTS_FILE
    checked_name(f'{source}', name)
    names = [name_of(entry) for entry in entries_in(read_text(source), where=f'{source}')]
    if not replace and name in names:
        raise LibraryError(f'{source} has an object {name!r} already; choose another name, '
                           'or --replace it')


@contextmanager
def _locked(library: Path) -> Iterator[None]:
    """Make the folder and keep others from entering objects meanwhile."""
    try:
        library.mkdir(parents=True, exist_ok=True)
        handle = os.open(library, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise LibraryError(f'cannot use the folder {library}: {error.strerror}') from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        remove_leftovers(library)          # with the lock held, nobody is writing
        yield
    finally:
        os.close(handle)


def _enter(library: Path, new: NewObject, replace: bool) -> Path:
    """Copy the file and write the entry; return where the file is now."""
    source = library / OBJECTS_FILE
    text = read_text(source)
    known = [entry for entry in entries_in(text, where=f'{source}') if isinstance(entry, dict)]
    path = library / f'{new.name}{new.file.suffix.lower()}'
    _check_owner(path, new, known, replace)
    entry = {'name': new.name, 'file': path.name, 'unit': new.unit,
             'symmetry': symmetry_entry(new.symmetry)}
    edited = with_entry(text, entry, where=f'{source}')
    _copy(new.file, path)
    atomic_write_text(source, edited)
    return path


def _check_owner(path: Path, new: NewObject, known: list[dict[str, Any]], replace: bool) -> None:
    """Raise LibraryError when copying would overwrite the file of something else."""
    if path.is_symlink():
        raise LibraryError(f'{path} is a link, which is not written through; remove it')
    if not path.exists() or path.samefile(new.file):
        return
    if not path.is_file():                 # a pipe would be read without end
        raise LibraryError(f'{path} is there already, and is no regular file; remove it')
    owners = [name_of(entry) for entry in known if entry.get('file') == path.name]
    if not owners and file_sha256(path) == file_sha256(new.file):
        return                             # copied by a process that was killed before it went on
    if not replace or owners not in ([], [new.name]):
        raise LibraryError(f'{path} is there already'
                           + (f' (of {", ".join(map(repr, owners))})' if owners else '')
                           + '; choose another name' + ('' if replace else ', or --replace it'))


def _copy(file: Path, path: Path) -> None:
    if path.exists() and path.samefile(file):
        return
    try:
        with atomic_write(path) as whole:
            shutil.copyfile(file, whole)
    except OSError as error:
        raise FileError(f'cannot copy {file} to {path}: {error.strerror or error}') from error
