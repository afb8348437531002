"""The scene of a device benchmark: random solids and noisy views of them, in memory or a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import FileError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import LabelledObservation
from pointpng_core.evaluation.speed.inference import BatchSize, BenchmarkScene, make_scene
from pointpng_core.geometry import Symmetry
from pointpng_core.io.array_files import read_arrays


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneData:
    """Surfaces by name and labelled observations of them, before any model is applied."""

    names: tuple[str, ...]
    surfaces: NDArray[np.float32]
    """(R, N, 3) points of the surface of each object, metres."""
    observations: Sequence[LabelledObservation]

    def for_estimator(self, estimator: PoseEstimator, *, observations: int = 0,
                      references: int = 0) -> BenchmarkScene:
        """Return the scene with references of an estimator, or only the first so many of each.

        References are prepared from surface points, without a search for their symmetries.
        """
        names = self.names[:references or None]
        known = [estimator.reference_from_model(surface, name=name, symmetry=Symmetry())
                 for name, surface in zip(names, self.surfaces)]
        seen = [observed for observed in self.observations if observed.name in names]
        return BenchmarkScene(observations=seen[:observations or None], references=known)


def make_scene_data(size: BatchSize, *, seed: int = 0) -> SceneData:
    """Return random solids and depth views of them; raises ConfigError."""
    scene, _ = make_scene(PoseEstimator(), size, seed=seed)
    return SceneData(names=tuple(reference.name for reference in scene.references),
                     surfaces=np.stack([reference.points for reference in scene.references]),
                     observations=scene.observations)


def write_scene_data(path: Path, scene: SceneData) -> None:
    """Write a scene as an npz, for the same benchmark on another machine; raises FileError."""
    seen = scene.observations
    try:
        np.savez_compressed(
            path, names=np.array(scene.names), surfaces=scene.surfaces,
            labels=np.array([observed.name for observed in seen]),
            points=np.stack([observed.points for observed in seen]),
            label_surfaces=np.stack([observed.surface for observed in seen]),
            T_observation_object=np.stack([observed.T_observation_object for observed in seen]))
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def read_scene_data(path: Path) -> SceneData:
    """Return the scene that `write_scene_data` wrote; raises FileError."""
    keys = ('names', 'surfaces', 'labels', 'points', 'label_surfaces', 'T_observation_object')
    try:
        stored = read_arrays(path)
        names, surfaces, *columns = (stored[key] for key in keys)
    except (FileError, KeyError) as error:
        raise FileError(f'{path} is not a readable scene ({error}); delete it, and the benchmark '
                        'writes a new one') from error
    return SceneData(
        names=tuple(str(name) for name in names), surfaces=surfaces, observations=[
            LabelledObservation(source=str(path), name=str(label), points=points, surface=surface,
                                T_observation_object=T)
            for label, points, surface, T in zip(*columns)])
