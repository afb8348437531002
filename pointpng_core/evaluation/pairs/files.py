"""Files of relative-pose pairs: two clouds each, and the pose between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import FileError
from pointpng_core.io.array_files import read_arrays

ROW_SHAPES = {'source': (None, 3), 'target': (None, 3), 'scale': (), 'rotation': (4,),
              'translation': (3,)}
FULL_SCALE = 32767.0


@dataclass(frozen=True, kw_only=True, eq=False)
class PosePair:
    """Clouds (N, 3) and T_target_source (4, 4), which maps source points onto the target."""

    source: NDArray[np.float32]
    target: NDArray[np.float32]
    T_target_source: NDArray[np.float64]
    name: str = ''
    """Name of the object, where the file has names."""
    scene_points: NDArray[np.float32] | None = None
    """(M, 3) other points of the scene in the target's frame, such as an occluder."""


def read_pairs(path: Path, *, limit: int | None = None) -> list[PosePair]:
    """Read an npz of int16 clouds with scale, quaternion xyzw and translation; raises FileError.

    With `limit`, at most that many pairs, spread evenly over the file.
    """
    arrays = _read_arrays(path)
    count = len(arrays['source'])
    for key, shape in ROW_SHAPES.items():
        found = arrays[key].shape
        fits = len(found) == len(shape) + 1 and found[0] == count and all(
            want in (None, got) for want, got in zip(shape, found[1:]))
        if not fits or count == 0:
            raise FileError(f'{path}: {key!r} has shape {found}; expected {count} rows of '
                            f'{str(shape).replace("None", "N")}, and at least one')
    if arrays['name'].shape != (count,):
        raise FileError(f"{path}: 'name' has shape {arrays['name'].shape}; expected ({count},)")
    for key in ('source', 'target'):
        if arrays[key].dtype != np.int16:
            raise FileError(f'{path}: {key!r} holds {arrays[key].dtype}; pairs hold int16, '
                            'points = value / 32767 * scale')
    if not np.linalg.norm(arrays['rotation'], axis=1).min() > 0:
        raise FileError(f"{path}: 'rotation' holds a quaternion of length zero")
    step = max(1, -(-count // limit)) if limit else 1
    return [_pair({key: arrays[key][index] for key in arrays})
            for index in range(0, count, step)]


def write_pairs(path: Path, pairs: Sequence[PosePair], *, about: str) -> None:
    """Write pairs whose clouds have the same sizes, with a sentence about them; raises FileError.

    Coordinates are rounded to 1 / 32767 of the largest of the pair.
    """
    scale = [max(np.abs(pair.source).max(), np.abs(pair.target).max()) for pair in pairs]
    arrays: dict[str, Any] = {key: np.stack([
        np.round(getattr(pair, key) / extent * FULL_SCALE).astype(np.int16)
        for pair, extent in zip(pairs, scale)]) for key in ('source', 'target')}
    T = np.stack([pair.T_target_source for pair in pairs])
    arrays |= {'rotation': Rotation.from_matrix(T[:, :3, :3]).as_quat().astype(np.float32),
               'translation': T[:, :3, 3].astype(np.float32),
               'scale': np.array(scale, np.float32), 'doc': np.array(about),
               'name': np.array([pair.name for pair in pairs])}
    try:
        with path.open('wb') as stream:
            np.savez_compressed(stream, **arrays)
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def object_names(path: Path) -> tuple[str, ...]:
    """Return the names of the objects in a file of pairs, sorted, each once; raises FileError."""
    names = _read_arrays(path)['name']
    if not names.size or not all(names.tolist()):
        raise FileError(f"{path} names no objects: it lacks 'name'")
    return tuple(sorted(set(names.tolist())))


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    arrays = read_arrays(path, (*ROW_SHAPES, 'name'))
    missing = [key for key in ROW_SHAPES if key not in arrays]
    if missing:
        raise FileError(f'{path} lacks {", ".join(missing)}; a file of pose pairs holds '
                        f'{", ".join(ROW_SHAPES)}')
    return {'name': np.full(arrays['source'].shape[:1], ''), **arrays}


def _pair(row: dict[str, NDArray[Any]]) -> PosePair:
    def cloud(key: str) -> NDArray[np.float32]:
        return (row[key].astype(np.float64) / FULL_SCALE * float(row['scale'])).astype(np.float32)

    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat(row['rotation'].astype(np.float64)).as_matrix()
    T[:3, 3] = row['translation']
    return PosePair(source=cloud('source'), target=cloud('target'), T_target_source=T,
                    name=str(row['name']))
