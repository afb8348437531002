"""Meshes by name: of an archive, of a folder, or random solids."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.array_files import read_arrays
from pointpng_core.io.mesh_files import MESH_SUFFIXES, read_mesh
from pointpng_core.io.model_files import check_metres
from pointpng_core.io.units import UNIT_M
from pointpng_core.simulation.shapes.solids import polygonise
from pointpng_core.training.data.random_solids import KINDS, random_solid

PROCEDURAL = 'procedural'
COMPOUND = 'random_compound'
VOXELS = 40
"""Voxels along the longest side of a solid."""


@dataclass(frozen=True, kw_only=True)
class NamedMeshes:
    """Names in their order; `read` returns the mesh of one, in metres, or raises FileError."""

    names: tuple[str, ...]
    read: Callable[[int], TriangleMesh]


def named_meshes(source: str, *, seed: int, unit: str = 'm') -> NamedMeshes:
    """Return the meshes of a source, sorted by name, in metres; raises FileError, ConfigError.

    `unit` is that of the files. Reading a mesh of no size that objects have raises CloudError.

    A source is an npz of NAME/vertices and NAME/faces, a mesh file, a folder of them, or
    procedural:COUNT: random solids that depend on the seed, every other one a compound.
    """
    kind, _, count = source.partition(':')
    path = Path(source)
    if kind == PROCEDURAL and not path.exists():
        return _random_solids(source, count, seed)
    if not path.exists():
        raise FileError(f'there are no meshes at {source}: name an npz with NAME/vertices and '
                        f'NAME/faces, a mesh, a folder of meshes, or {PROCEDURAL}:COUNT')
    meshes = _archive(path) if path.suffix.lower() == '.npz' else _files(path)
    return _in_metres(meshes, UNIT_M[unit])


def _in_metres(meshes: NamedMeshes, scale: float) -> NamedMeshes:
    def read(index: int) -> TriangleMesh:
        mesh = meshes.read(index)
        scaled = TriangleMesh(vertices=mesh.vertices * scale, faces=mesh.faces)
        check_metres(f'mesh {meshes.names[index]!r}', scaled.vertices)
        return scaled
    return replace(meshes, read=read)


def _archive(path: Path) -> NamedMeshes:
    arrays = read_arrays(path)
    names = tuple(sorted(key.removesuffix('/vertices') for key in arrays
                         if key.endswith('/vertices')))
    missing = [name for name in names if f'{name}/faces' not in arrays]
    if missing or not names:
        raise FileError(f'{path} lacks {missing[0]}/faces' if missing else
                        f'{path} holds no meshes: NAME/vertices and NAME/faces')
    return NamedMeshes(names=names, read=lambda index: TriangleMesh(
        vertices=arrays[f'{names[index]}/vertices'], faces=arrays[f'{names[index]}/faces']))


def _files(path: Path) -> NamedMeshes:
    found = [path] if path.is_file() else path.rglob('*')
    files = sorted((file for file in found if file.suffix.lower() in MESH_SUFFIXES),
                   key=lambda file: (file.stem, file))
    if not files:
        raise FileError(f'{path} holds no mesh; read are {", ".join(MESH_SUFFIXES)}')
    return NamedMeshes(names=tuple(file.stem for file in files),
                       read=lambda index: read_mesh(files[index]))


def _random_solids(source: str, count: str, seed: int) -> NamedMeshes:
    if not count.isdecimal() or int(count) == 0:
        raise ConfigError(f'{source}: {count!r} is not a number of objects; write, for example, '
                          f'{PROCEDURAL}:120')
    kinds = [list(KINDS)[index % len(KINDS)] if index % 2 else COMPOUND
             for index in range(int(count))]

    def read(index: int) -> TriangleMesh:
        solid = random_solid(kinds[index], np.random.default_rng([seed, index]))
        return polygonise(solid, voxel_m=float((solid.high - solid.low).max()) / VOXELS)
    return NamedMeshes(names=tuple(f'{kind}_{index:04d}' for index, kind in enumerate(kinds)),
                       read=read)
