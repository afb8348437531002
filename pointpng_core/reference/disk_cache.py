"""References cached on disk, under the hash of everything they were built from.

What is read is not trusted: the seal of the file, its owner, types, shapes and values are checked,
and the surface is compared with that of the model. On any doubt the reference is built again.
"""

from collections.abc import Callable
from dataclasses import replace
import hashlib
import json
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.files import LEFTOVER_AGE_S, remove_leftovers
from pointpng_core.io.sealed_arrays import read_sealed, write_sealed
from pointpng_core.reference.builder import ReferenceBuilder, view_surface
from pointpng_core.reference.near_symmetry import distinct
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.stored_arrays import check_arrays
from pointpng_core.text import printable

logger = logging.getLogger(__name__)

FORMAT = 9
"""Raise it when what is stored, or how a reference is built, changes."""
SUFFIX = '.reference'
_Parts = tuple[NDArray[np.generic], ...]
_Surface = tuple[NDArray[np.float32], NDArray[np.float32] | None]


class ReferenceCache:
    """A builder that reads from disk what was built before. Without a folder it only builds.

    What is wrong with the folder or its files is logged as a warning, the first of each.
    """

    def __init__(self, builder: ReferenceBuilder, *, folder: Path | None) -> None:
        self.builder, self._folder = builder, folder
        self._told: set[str] = set()

    def from_model(self, model: TriangleMesh | NDArray[np.floating], *, name: str,
                   symmetry: Symmetry | None) -> Reference:
        """Return the reference of a mesh or of points (N, 3) covering a whole surface.

        The cached reference has the detected symmetry, and `symmetry` replaces it if given.
        """
        parts = (model.vertices, model.faces) if isinstance(model, TriangleMesh) else (model,)
        built_with = symmetry if self._folder is None else None
        reference = self._cached(
            'model', parts, name, surface=lambda: self.builder.surface_of(model, name=name),
            build=lambda: self.builder.from_model(model, name=name, symmetry=built_with))
        return reference if symmetry is None else _with_symmetry(reference, symmetry)

    def from_view(self, points: NDArray[np.floating], *, name: str) -> Reference:
        """Return the reference of points (N, 3) visible to a camera at the origin."""
        return self._cached('view', (points,), name,
                            surface=lambda: (view_surface(points, name=name)[0], None),
                            build=lambda: self.builder.from_view(points, name=name))

    def _cached(self, kind: str, parts: _Parts, name: str, *, surface: Callable[[], _Surface],
                build: Callable[[], Reference]) -> Reference:
        if self._folder is None:
            return build()
        key = self._key(kind, parts)
        path = self._folder / f'{key}{SUFFIX}'
        try:
            return self._read(path, key, name, surface)
        except FileNotFoundError:
            pass
        except (FileError, ConfigError) as error:
            self._warn('read', f'a cached reference is not used, and is built again: {error}')
        reference = build()
        try:
            write_sealed(path, reference.arrays(), key=key)
            remove_leftovers(self._folder, older_than_s=LEFTOVER_AGE_S)
        except OSError as error:
            self._warn('write', f'references cannot be kept in {self._folder} '
                                f'({error.strerror or error}), and are built again at each start: '
                                'make the folder writable, or name another one: parameter '
                                'cache_dir of the node, environment variable POINTPNG_CACHE of '
                                'the commands')
        return reference

    def _read(self, path: Path, key: str, name: str, surface: Callable[[], _Surface]) -> Reference:
        """Return the reference that is stored at `path`; raises FileError on any doubt."""
        arrays = read_sealed(path, key=key)
        try:
            check_arrays(arrays, dim=self.builder.encoder.dim)
        except FileError as error:
            raise FileError(f'{path}: {error}') from error
        points, normals = surface()
        if not np.array_equal(arrays['points'], points) \
                or not (normals is None or np.array_equal(arrays['normals'], normals)):
            raise FileError(f'{path} holds another surface than that of the model')
        return Reference.from_arrays(arrays, name=name, device=self.builder.device)

    def _warn(self, kind: str, text: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            logger.warning('%s', printable(text))

    def _key(self, kind: str, parts: _Parts) -> str:
        settings = json.dumps([FORMAT, kind, self.builder.encoder.key,
                               self.builder.config.to_mapping()], sort_keys=True)
        digest = hashlib.sha256(settings.encode())
        for part in parts:
            array = np.ascontiguousarray(part)
            digest.update(f'{array.shape}{array.dtype}'.encode())
            digest.update(array.tobytes())
        return digest.hexdigest()


def _with_symmetry(reference: Reference, symmetry: Symmetry) -> Reference:
    """Return the reference with another symmetry, of which no near symmetry is a motion."""
    motions = reference.near_symmetries
    kept = distinct(motions, symmetry, centre=reference.centre, diameter_m=reference.diameter_m)
    return replace(reference, symmetry=symmetry, near_symmetries=motions[kept])
