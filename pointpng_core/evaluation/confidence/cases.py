"""Poses known to be right or wrong, to which a calibration is fitted and by which it is judged.

A pose is right as `pointpng_core.estimation.confidence` defines it: the right reference, and ADD-S
below 5 % of the diameter or a residual about as good as that of the true pose.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError
from pointpng_core.estimation.confidence import FRAME_FEATURES
from pointpng_core.estimation.confidence.logistic import weights_name
from pointpng_core.estimation.observation_kind import ObservationKind
from pointpng_core.estimation.types import PoseEstimate
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.evaluation.pose.metrics import add_s, as_good_as_truth, extent_diagonal
from pointpng_core.reference import Reference

RIGHT_ADD_S = 0.05
CROWD = 6
"""References in the larger of the two libraries that each observation is compared with."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """The best estimate of one observation, and the ground truth."""

    source: str
    """Where the observation comes from."""
    name: str
    """The observed object, empty for none."""
    known: bool
    """Whether the object is in the library."""
    right: bool
    kind: ObservationKind
    """What the observation was taken for."""
    features: NDArray[np.float64]
    """(len(FEATURES),), or (len(FRAME_FEATURES),) where the pixels of a frame were judged."""
    score: float
    confidence: float

    @property
    def weights_name(self) -> str:
        """Return the field of Calibration that weighs the features."""
        return 'frame' if len(self.features) == len(FRAME_FEATURES) else weights_name(self.kind)


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledObservation:
    """An observation (N, 3) with its ground truth: the object's name, surface points and pose."""

    source: str
    name: str
    points: NDArray[np.float32]
    surface: NDArray[np.float32]
    T_observation_object: NDArray[np.float64]

    @cached_property
    def diameter_m(self) -> float:
        """Return the unit of ADD-S, as in the pose benchmark."""
        return extent_diagonal(self.surface)

    def judge(self, estimate: PoseEstimate, library: Iterable[str]) -> Case:
        """Return the case of an estimate that was made with a library of these names."""
        T, truth = estimate.T_observation_reference, self.T_observation_object
        right = estimate.name == self.name and (
            add_s(self.surface, T, truth) < RIGHT_ADD_S * self.diameter_m
            or as_good_as_truth(self.surface, self.points, T, truth))
        return case_of(estimate, source=self.source, name=self.name, right=right,
                       known=self.name in library)


def case_of(estimate: PoseEstimate, *, source: str, name: str, right: bool, known: bool) -> Case:
    """Return the case of an estimate with this ground truth; raises ConfigError."""
    if estimate.features is None:
        raise ConfigError(f'the estimate of {estimate.name!r} has no features')
    features = estimate.features if estimate.pixel_features is None \
        else np.concatenate((estimate.features, estimate.pixel_features))
    return Case(source=source, name=name, known=known, right=right,
                kind=estimate.kind, features=features, score=estimate.score,
                confidence=estimate.confidence)


def pair_cases(estimator: PoseEstimator, pairs: Sequence[PosePair], *, source: str, seed: int,
               report: Callable[[str], None] = lambda line: None) -> list[Case]:
    """Return four cases of each pair: small and larger libraries with and without its object.

    These are the object's own reference alone, and with CROWD - 1 others; then one other alone,
    and CROWD others, which do not know the object. Fewer than two objects raise ConfigError.
    """
    names = [pair.name or f'{source}_{index}' for index, pair in enumerate(pairs)]
    if len(set(names)) < 2:
        raise ConfigError(f'{source}: pairs of one object only, {names[0]!r}; unknown '
                          'objects need at least two')
    report(f'{source}: {len(pairs)} pairs of {len(set(names))} objects')
    models = {name: pair.source for name, pair in zip(names, pairs)}
    references = {name: estimator.reference_from_model(points, name=name)
                  for name, points in models.items()}
    cases: list[Case] = []
    for row, (name, pair) in enumerate(zip(names, pairs)):
        seen = LabelledObservation(source=source, name=name, points=pair.target,
                                   surface=pair.source, T_observation_object=pair.T_target_source)
        others = _others(references, name, np.random.default_rng([seed, row]))
        own = references[name]
        for library in ([own], [own, *others[1:]], others[:1], others):
            cases += _judged(estimator, seen, library)
    return cases


def _others(references: dict[str, Reference], name: str, rng: np.random.Generator
            ) -> list[Reference]:
    """Return up to CROWD references of other objects, chosen at random."""
    names = [other for other in references if other != name]
    rng.shuffle(names)
    return [references[other] for other in names[:CROWD]]


def _judged(estimator: PoseEstimator, seen: LabelledObservation, library: Sequence[Reference]
            ) -> list[Case]:
    estimates = estimator.estimate(seen.points, library)
    names = {reference.name for reference in library}
    return [seen.judge(estimates[0], names)] if estimates else []
