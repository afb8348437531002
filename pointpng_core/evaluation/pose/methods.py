"""The compared methods, which prepare a source once and register it with targets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.embedding.model_zoo import EmbeddingModel
from pointpng_core.estimation.config import EstimatorConfig
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.geometry.clouds import diameter_m
from pointpng_core.reference import Reference

Cloud = NDArray[np.float32]
Matrix = NDArray[np.float64]
TRACKING_ROTATION_DEG, TRACKING_SHIFT = 8.0, 0.04
"""Error of the pose at which tracking starts: degrees, and diameters."""
REFINE_STEPS = 5
"""Ascent steps of the embedding alone: without them a pose is as coarse as the grid."""


class Method(Protocol):
    """A way to find T_target_source. Preparation is timed apart from the search."""

    name: str

    def prepare(self, source: Cloud) -> Any:
        """Return what can be computed once per source (N, 3)."""
        ...

    def register(self, prepared: Any, target: Cloud) -> tuple[Matrix, dict[str, float]]:
        """Return T_target_source (4, 4) and milliseconds by stage, where they are known."""
        ...


class PointPng:
    """The estimator of this project: search, verification, registration."""

    def __init__(self, estimator: PoseEstimator, *, name: str = 'pointpng') -> None:
        self.name, self._estimator = name, estimator

    def prepare(self, source: Cloud) -> Reference:
        """Build the reference."""
        return self._estimator.reference_from_model(source, name='source')

    def register(self, prepared: Reference, target: Cloud, scene_points: Cloud | None = None
                 ) -> tuple[Matrix, dict[str, float]]:
        """Estimate the pose; `scene_points` (M, 3) are the other points of the scene."""
        best = self._estimator.estimate_batch([target], [prepared],
                                              scene_points=scene_points)[0][0]
        return best.T_observation_reference, best.stage_ms


class EmbeddingAlone:
    """The first proposal of the search in embedding space: no verification, no registration."""

    def __init__(self, estimator: PoseEstimator, *, name: str = 'embedding') -> None:
        self.name, self._estimator = name, estimator

    def prepare(self, source: Cloud) -> Reference:
        """Build the reference; only its embeddings are used."""
        return self._estimator.reference_from_model(source, name='source')

    def register(self, prepared: Reference, target: Cloud) -> tuple[Matrix, dict[str, float]]:
        """Search, and take the best rotation."""
        return self._estimator.estimate_by_embedding(target, prepared), {}


class Tracking:
    """The estimator from frame to frame, which starts near the truth instead of searching.

    `expect` sets the start before each observation; where tracking is lost, the start counts.
    """

    name = 'tracking'

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator, self._T_start = estimator, np.eye(4)

    def prepare(self, source: Cloud) -> Reference:
        """Build the reference."""
        return self._estimator.reference_from_model(source, name='source')

    def expect(self, T_start: Matrix) -> None:
        """Set T_target_source (4, 4) of the frame before."""
        self._T_start = T_start

    def register(self, prepared: Reference, target: Cloud) -> tuple[Matrix, dict[str, float]]:
        """Follow the source from the start."""
        found = self._estimator.track(target, prepared, self._T_start)
        if found is None:
            return self._T_start, {}
        return found.T_observation_reference, found.stage_ms


def perturbed(pair: PosePair) -> Matrix:
    """Return the true pose of a pair with errors of 8 degrees and 4 % of the diameter.

    Axis and direction are random, seeded by the pair's own points; the rotation is about the
    centroid of the source.
    """
    generator = np.random.default_rng(zlib.crc32(pair.target.tobytes()))
    axis, direction = (vector / np.linalg.norm(vector) for vector in generator.normal(size=(2, 3)))
    centroid = pair.source.mean(axis=0, dtype=np.float64)
    T = pair.T_target_source.copy()
    shift_m = TRACKING_SHIFT * diameter_m(pair.source) * direction
    middle = T[:3, :3] @ centroid + T[:3, 3] + shift_m
    rotation = Rotation.from_rotvec(np.radians(TRACKING_ROTATION_DEG) * axis)
    T[:3, :3] = rotation.as_matrix() @ T[:3, :3]
    T[:3, 3] = middle - T[:3, :3] @ centroid
    return T


def own_methods(config: EstimatorConfig, *, models: Sequence[EmbeddingModel], device: str,
                gradient: bool) -> list[Method]:
    """Return the pipeline and the embedding alone of each model; the first one's need no name.

    The embedding alone refines its peaks by REFINE_STEPS at least; `gradient` adds the search by
    Algorithm 1 of the paper beside the exhaustive one.
    """
    steps = max(REFINE_STEPS, config.search.refine_steps)
    searches = [('embedding', 'exhaustive')]
    if gradient:
        searches.append(('embedding, algorithm 1', 'gradient'))
    methods: list[Method] = []
    for model in models:
        suffix = '' if model is models[0] else f' {model.name}'
        methods.append(PointPng(PoseEstimator(config=config, device=device, model=model),
                                name=f'pointpng{suffix}'))
        for name, search in searches:
            own = replace(config, search=replace(config.search, refine_steps=steps,
                                                 method=search))
            methods.append(EmbeddingAlone(PoseEstimator(config=own, device=device, model=model),
                                          name=f'{name}{suffix}'))
    return methods
