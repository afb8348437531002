"""References cached on disk, under the hash of everything they were built from."""

from collections.abc import Callable
from dataclasses import replace
import hashlib
import json
import logging
from pathlib import Path
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray

from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.files import atomic_write
from pointpng_core.reference.builder import ReferenceBuilder
from pointpng_core.reference.near_symmetry import distinct
from pointpng_core.reference.reference import Reference

logger = logging.getLogger(__name__)

FORMAT = 8
"""Raise it when what is stored, or how a reference is built, changes."""


class ReferenceCache:
    """A builder that reads from disk what was built before. Without a folder it only builds."""

    def __init__(self, builder: ReferenceBuilder, *, folder: Path | None) -> None:
        self.builder, self._folder = builder, folder

    def from_model(self, model: TriangleMesh | NDArray[np.floating], *, name: str,
                   symmetry: Symmetry | None) -> Reference:
        """Return the reference of a mesh or of points (N, 3) covering a whole surface.

        The cached reference has the detected symmetry, and `symmetry` replaces it if given.
        """
        parts = (model.vertices, model.faces) if isinstance(model, TriangleMesh) else (model,)
        built_with = symmetry if self._folder is None else None
        reference = self._cached('model', parts, name, lambda: self.builder.from_model(
            model, name=name, symmetry=built_with))
        return reference if symmetry is None else _with_symmetry(reference, symmetry)

    def from_view(self, points: NDArray[np.floating], *, name: str) -> Reference:
        """Return the reference of points (N, 3) visible to a camera at the origin."""
        return self._cached('view', (points,), name, lambda: self.builder.from_view(
            points, name=name))

    def _cached(self, kind: str, parts: tuple[NDArray[np.generic], ...], name: str,
                build: Callable[[], Reference]) -> Reference:
        if self._folder is None:
            return build()
        path = self._folder / f'{self._key(kind, parts)}.npz'
        try:
            return Reference.from_arrays(_load(path), name=name,
                                         device=self.builder.device)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            reference = build()  # not there, or damaged
        _save(path, reference.arrays())
        return reference

    def _key(self, kind: str, parts: tuple[NDArray[np.generic], ...]) -> str:
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


def _load(path: Path) -> dict[str, NDArray[np.generic]]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _save(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Write atomically; a failure is only logged, because the cache is optional."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as whole:
            np.savez(whole, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        logger.warning('cannot cache a reference in %s (%s); it will be built again', path, error)
