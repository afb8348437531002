"""Scenes written as a dataset in the BOP layout, with an overview picture."""

from collections.abc import Callable, Iterable, Iterator, Sequence
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io.bop.writer import (
    NewFrame,
    NewInstance,
    NewObject,
    check_new_folder,
    new_dataset,
)
from pointpng_core.io.files import to_jsonable
from pointpng_core.io.object_library import ObjectModel
from pointpng_core.simulation.clutter.kinds import KINDS, check_kinds
from pointpng_core.simulation.clutter.objects import clutter_objects
from pointpng_core.simulation.clutter.overview import picture, write_overview
from pointpng_core.simulation.clutter.physics import require_mujoco
from pointpng_core.simulation.clutter.scenes import ClutterFrame, ClutterSimulator
from pointpng_core.simulation.noise import SensorErrors

ABOUT, OVERVIEW = 'clutter.json', 'overview.png'
_MOST_FRAMES = 10**6
_SHOWN = 4


def write_clutter(folder: str | Path, models: Sequence[ObjectModel], *,
                  kinds: Sequence[str] = KINDS, scenes: int = 1, frames: int = 8, seed: int = 0,
                  noise_level: float = 1.0, sensor: SensorErrors | None = None,
                  cache: Path | None = None,
                  report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Write scenes of a library's objects into a new folder and return the figures.

    Each kind gets `scenes` folders of `frames` frames, each of a scene dropped for it alone. The
    id of a folder, 1 + the kind's place in KINDS + 5 for each one before, and its content do not
    depend on the other kinds that are asked for. The figures are documented in
    `pointpng_core.cli.evaluate.make_clutter`. `sensor` measures the scenes, `noise_level` times as
    bad as it is. `cache` is a folder for convex parts.

    Raises LibraryError, CloudError for objects that cannot be dropped or are too few; ConfigError
    for impossible values and where no scene comes to rest; FileError; MissingDependencyError.
    """
    if scenes * frames > _MOST_FRAMES or min(scenes, frames) < 1:
        raise ConfigError(f'{scenes} scenes of {frames} frames: between 1 and {_MOST_FRAMES} '
                          'frames of a kind can be made')
    check_new_folder(Path(folder))
    require_mujoco()
    chosen = check_kinds(kinds, len(models))
    errors = sensor or SensorErrors()
    report(f'convex parts of {len(models)} objects (made once, then cached)')
    simulator = ClutterSimulator(clutter_objects(models, cache=cache), seed=seed,
                                 noise=errors.scaled(noise_level))
    with new_dataset(folder, camera=simulator.camera.pinhole) as writer:
        writer.write_objects(_new_objects(models))
        made = {}
        for scene_id, kind, scene in _numbered(chosen, scenes):
            made[str(scene_id)] = recorder = _Recorder(kind)
            writer.write_scene(scene_id, recorder.new_frames(
                simulator.frame(kind, scene, frame) for frame in range(frames)))
            report(f'scene {scene_id} ({kind}): {frames} frames')
        figures = {'seed': seed, 'noise': noise_level, 'sensor': _described(errors),
                   'objects': len(models), **_total(made)}
        text = json.dumps(to_jsonable(figures), indent=2) + '\n'
        (writer.folder / ABOUT).write_text(text, encoding='utf-8')
        write_overview(writer.folder / OVERVIEW, [item.pictures for item in made.values()])
    return figures


class _Recorder:
    """Passes the frames of one folder on to be written, and remembers their figures."""

    def __init__(self, kind: str) -> None:
        self.pictures: list[NDArray[np.uint8]] = []
        self._kind, self._visible = kind, np.empty(0)
        self._overlaps_m: list[float] = []
        self._dropped = 0

    def new_frames(self, frames: Iterable[ClutterFrame]) -> Iterator[NewFrame]:
        """Yield the frames as they are written: with the objects that could be in the image."""
        for frame in frames:
            seen = np.flatnonzero(frame.image.masks.any(axis=(1, 2)))
            self._visible = np.append(self._visible, frame.visible_fraction[seen])
            self._overlaps_m.append(frame.overlap_m)
            self._dropped += frame.attempts
            if len(self.pictures) < _SHOWN:
                self.pictures.append(picture(frame))
            visible = frame.image.visible_masks
            yield NewFrame(depth_m=frame.depth_m, instances=[
                NewInstance(object_id=frame.chosen[index] + 1,
                            T_camera_object=frame.T_camera_objects[index],
                            mask=frame.image.masks[index],
                            mask_visible=visible[index],
                            pixels_all=int(frame.image.pixels_all[index])) for index in seen])

    def figures(self) -> dict[str, Any]:
        """Return the figures of the folder."""
        return {'kind': self._kind, 'frames': len(self._overlaps_m),
                'instances': len(self._visible),
                'visible_fraction': float(np.median(self._visible)),
                'overlap_mm': 1000 * max(self._overlaps_m), 'dropped': self._dropped}


def _numbered(kinds: Sequence[str], scenes: int) -> Iterator[tuple[int, str, int]]:
    """Yield the id, the kind and the number, from 0, of every folder."""
    for scene in range(scenes):
        for kind in kinds:
            yield 1 + KINDS.index(kind) + len(KINDS) * scene, kind, scene


def _described(errors: SensorErrors) -> dict[str, Any]:
    """Return the numbers of a sensor, with the profile that they come from."""
    return {**errors.effective.to_mapping(), 'profile': errors.profile}


def _total(made: dict[str, _Recorder]) -> dict[str, Any]:
    scenes = {scene_id: recorder.figures() for scene_id, recorder in made.items()}
    return {'frames': sum(scene['frames'] for scene in scenes.values()),
            'instances': sum(scene['instances'] for scene in scenes.values()),
            'overlap_mm': max(scene['overlap_mm'] for scene in scenes.values()),
            'scenes': scenes}


def _new_objects(models: Sequence[ObjectModel]) -> list[NewObject]:
    """Return the objects with the ids 1, 2, ...; all are meshes, which was checked before."""
    return [NewObject(object_id=index, name=model.name, mesh=model.model, symmetry=model.symmetry)
            for index, model in enumerate(models, 1) if isinstance(model.model, TriangleMesh)]
