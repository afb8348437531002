"""A dataset in the BOP layout: its objects, and the frames of one of its splits."""

from collections.abc import Iterator, Sequence
import functools
import os
from pathlib import Path

from pointpng_core.errors import FileError
from pointpng_core.io.bop import layout
from pointpng_core.io.bop.frames import BopFrame
from pointpng_core.io.bop.json_files import Record, read_json
from pointpng_core.io.bop.objects import BopObject, model_files, read_objects
from pointpng_core.io.bop.scenes import SceneReader
from pointpng_core.io.bop.targets import BopTarget, read_targets


class BopDataset:
    """One split of a dataset as it is on disk; nothing is read before it is asked for.

    `split` is the name of a folder such as `test_primesense`; by default the only one that begins
    with `test`, else with `val`, else with `train`. `models` is the folder of meshes, by default
    `models`, else the only other one that is not for evaluation. `sensor` chooses one of several
    (`photoneo`). Raises FileError for folders that are not there.
    """

    def __init__(self, folder: str | Path, split: str | None = None, models: str | None = None, *,
                 sensor: str | None = None) -> None:
        """Find the folders."""
        self.folder = Path(folder)
        if not os.path.isdir(self.folder):       # False, not an error, for what can be no path
            raise FileError(f'{self.folder} is not a folder: give that of a BOP dataset')
        self.models = models or default_models(self.folder)
        self._split = split
        self._sensor = sensor
        _check_folder(self.folder, self.models, 'models')

    @functools.cached_property
    def split(self) -> str:
        """Return the name of the split's folder; raises FileError."""
        split = self._split or _default_split(self.folder)
        _check_folder(self.folder, split, 'scenes')
        return split

    @property
    def evaluation_models(self) -> str:
        """Return the folder of the meshes that the BOP evaluation uses, `models` without one."""
        named = [name for name in _folders(self.folder, layout.MODELS) if name.endswith('_eval')]
        return named[0] if named else self.models

    def objects(self, models: str | None = None) -> list[BopObject]:
        """Return the objects of a folder of models, by default of `self.models`, by id.

        Raises FileError.
        """
        if models:
            _check_folder(self.folder, models, 'models')
        return read_objects(self.folder / (models or self.models))

    def evaluation_objects(self) -> list[BopObject] | None:
        """Return the objects with the meshes of `evaluation_models`; None where there are none.

        Raises FileError.
        """
        folder = self.evaluation_models
        return None if folder == self.models else self.objects(folder)

    @functools.cached_property
    def scene_ids(self) -> tuple[int, ...]:
        """Return the ids of the scenes of the split; raises FileError where there are none."""
        found = sorted(self._scene_folders)
        if not found:
            raise FileError(f'{self.folder / self.split} has no scenes 000001, 000002, ...')
        return tuple(found)

    def chosen_scenes(self, scene_ids: Sequence[int] | None = None) -> tuple[int, ...]:
        """Return the ids of all scenes, or of these; raises FileError where one is missing."""
        chosen = self.scene_ids if scene_ids is None else tuple(scene_ids)
        unknown = [scene_id for scene_id in chosen if scene_id not in self.scene_ids]
        if unknown:
            raise FileError(f'{self.folder / self.split} has no scene '
                            f'{", ".join(map(str, unknown))}; it has '
                            f'{", ".join(map(str, self.scene_ids))}')
        return chosen

    def frames(self, scene_ids: Sequence[int] | None = None) -> Iterator[BopFrame]:
        """Yield the frames of all scenes, or of some, by their ids; raises FileError."""
        chosen = self.chosen_scenes(scene_ids)
        object_ids = set(model_files(self.folder / self.models))
        for scene_id in chosen:
            yield from SceneReader(
                scene_id=scene_id, folder=self._scene_folders[scene_id], object_ids=object_ids,
                sensor=self._sensor, depth_scale=self._depth_scale).frames()

    def targets(self, file: str = layout.TARGETS_BOP19) -> list[BopTarget] | None:
        """Return what the BOP19 evaluation asks for; None without such a file.

        Raises FileError.
        """
        path = self.folder / file
        return read_targets(path) if path.is_file() else None

    @functools.cached_property
    def _scene_folders(self) -> dict[int, Path]:
        return {int(path.name): path for path in (self.folder / self.split).iterdir()
                if path.is_dir() and path.name.isascii() and path.name.isdigit()
                and len(path.name) <= 9}

    @functools.cached_property
    def _depth_scale(self) -> float | None:
        """Return the one of `camera.json`, which older datasets have."""
        path = self.folder / f'{layout.of_sensor(layout.CAMERA, self._sensor)}.json'
        if not path.is_file():
            return None
        camera = Record(f'{path}', read_json(path, hint=''))
        return camera.positive(layout.DEPTH_SCALE) if layout.DEPTH_SCALE in camera else None


def default_models(folder: Path) -> str:
    """Return the folder of meshes of a dataset that poses refer to; raises FileError."""
    found = _folders(folder, layout.MODELS)
    if not found:
        hint = 'give the folder above' if (folder / layout.MODELS_INFO).exists() \
            else 'is it a BOP dataset?'
        raise FileError(f'{folder} has no folder {layout.MODELS} or {layout.MODELS}_...: {hint}')
    if layout.MODELS in found:
        return layout.MODELS
    others = [name for name in found if not name.endswith('_eval')] or found
    return _only(folder, others, 'folders of models')


def _default_split(folder: Path) -> str:
    for kind in layout.SPLITS:
        found = _folders(folder, kind)
        if kind in found:
            return kind
        if found:
            return _only(folder, found, 'splits')
    raise FileError(f'{folder} has no folder test, val or train with scenes')


def _folders(folder: Path, kind: str) -> list[str]:
    """Return the names of the folders KIND and KIND_... of a dataset."""
    return sorted(path.name for path in folder.iterdir()
                  if path.is_dir() and (path.name == kind or path.name.startswith(f'{kind}_')))


def _only(folder: Path, names: list[str], what: str) -> str:
    if len(names) > 1:
        raise FileError(f'{folder} has several {what}; choose one of {", ".join(names)}')
    return names[0]


def _check_folder(folder: Path, name: str, what: str) -> None:
    if Path(name).name != name or not (folder / name).is_dir():
        raise FileError(f'{folder} has no folder {name!r} with {what}; it has '
                        f'{", ".join(sorted(p.name for p in folder.iterdir() if p.is_dir()))}')
