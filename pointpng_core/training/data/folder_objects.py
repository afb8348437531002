"""Objects in files of their own: all meshes and clouds below a folder, or a single file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.mesh_sampling import sample_surface
from pointpng_core.io.model_files import MODEL_SUFFIXES, read_model
from pointpng_core.training.data.objects import (
    MAX_POINTS,
    UNKNOWN,
    Progress,
    RawObjects,
)
from pointpng_core.training.data.source_config import SourceConfig

_SPLITS = ('train', 'test')


def read_folder_objects(source: SourceConfig, *, seed: int, progress: Progress) -> RawObjects:
    """Read every mesh and cloud below a folder; raises FileError if there is none.

    Folders named `train` and `test` give the split (ModelNet: CLASS/train/NAME.off); the nearest
    other folder is the class of its files.
    """
    path = Path(source.path)
    root = path.parent if path.is_file() else path
    files = [path] if path.is_file() else sorted(
        file for file in path.rglob('*') if file.suffix.lower() in MODEL_SUFFIXES)
    if not files:
        raise FileError(f'{path} holds no mesh or cloud; read are {", ".join(MODEL_SUFFIXES)}')
    folders = [file.relative_to(root).parts[:-1] for file in files]
    splits = [_split_of(parts) for parts in folders]
    classes = [_class_of(parts) for parts in folders]
    names = sorted(set(classes) - {''})
    test = np.array([split == 'test' for split in splits]) if any(splits) else None
    rows = source.choose(len(files), test)
    labels = [names.index(classes[row]) if classes[row] else UNKNOWN for row in rows]

    def read(index: int) -> NDArray[np.generic]:
        model = read_model(files[rows[index]])
        return (np.hstack(sample_surface(model, MAX_POINTS))
                if isinstance(model, TriangleMesh) else model)
    return RawObjects(read=read, labels=np.array(labels, dtype=np.int64),
                      names=tuple(files[row].stem for row in rows), class_names=tuple(names))


def _split_of(folders: tuple[str, ...]) -> str:
    return next((name for name in reversed(folders) if name in _SPLITS), '')


def _class_of(folders: tuple[str, ...]) -> str:
    return next((name for name in reversed(folders) if name not in _SPLITS), '')
