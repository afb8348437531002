"""The catalogue's objects as an object library that the node can load."""

from collections.abc import Sequence
from pathlib import Path

from pointpng_core.io.object_library import ObjectModel, write_library
from pointpng_core.simulation.shapes.catalogue import make_object, object_names


def catalogue_library(names: Sequence[str] = ()) -> list[ObjectModel]:
    """Models of the named objects, each once (default: all of them); raises ConfigError."""
    models = []
    for name in dict.fromkeys(names or object_names()):
        thing = make_object(name)
        models.append(ObjectModel(name=name, model=thing.mesh, symmetry=thing.symmetry,
                                  path=Path(f'{name}.ply')))
    return models


def write_catalogue(folder: str | Path, names: Sequence[str] = ()) -> list[ObjectModel]:
    """Write them as `folder/objects.yaml` and meshes; raises LibraryError or FileError."""
    models = catalogue_library(names)
    write_library(folder, models)
    return models
