"""Surfaces and observations in one file: without Open3D they can be neither made nor seen."""

from pathlib import Path

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import Seen
from pointpng_core.evaluation.speed.inference import BatchSize, BatchWorld, make_world
from pointpng_core.geometry import Symmetry


def write_world(path: Path, estimator: PoseEstimator, size: BatchSize, *, seed: int = 0) -> None:
    """Write what `read_world` reads; raises ConfigError, FileError."""
    world, _ = make_world(estimator, size, seed=seed)
    names = [reference.name for reference in world.references]
    try:
        np.savez_compressed(
            path, points=np.stack([seen.points for seen in world.seen]),
            surfaces=np.stack([reference.points for reference in world.references]),
            judged=np.stack([seen.surface for seen in world.seen]),
            T=np.stack([seen.T_observation_object for seen in world.seen]),
            names=np.array(names), shown=np.array([seen.name for seen in world.seen]))
    except OSError as error:
        raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def read_world(path: Path, estimator: PoseEstimator, *, observations: int = 0, references: int = 0
               ) -> BatchWorld:
    """Return the world for an estimator, or only its first parts; raises FileError.

    References are prepared from points of the surfaces, whose symmetries are not looked for.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
    except (OSError, ValueError) as error:
        raise FileError(f'{path} is not a readable world ({error}); write it with --pack'
                        ) from error
    names = [str(name) for name in arrays['names']][:references or None]
    known = [estimator.reference_from_model(surface, name=name, symmetry=Symmetry())
             for name, surface in zip(names, arrays['surfaces'])]
    seen = [Seen(source=str(path), name=str(name), points=points, surface=surface,
                 T_observation_object=T)
            for name, points, surface, T in zip(arrays['shown'], arrays['points'],
                                                arrays['judged'], arrays['T'])
            if str(name) in names]
    return BatchWorld(seen=seen[:observations or None], references=known)
