"""The probability that a pose is right: a logistic curve over its features.

A pose is *right* when its reference is the observed object, and the pose is true up to the
symmetry of the object: ADD-S below 5 % of the diameter, or an explanation of the observation as
good as the true pose's (`evaluation.metrics`). A pose of any other object is wrong.
"""

import dataclasses
from dataclasses import dataclass
import functools
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError, FileError
from pointpng_core.estimation.confidence.features import FEATURES, PIXEL_FEATURES
from pointpng_core.estimation.observation_kind import ObservationKind
from pointpng_core.io.files import read_within

MIN_CONFIDENCE = 0.9
"""Least probability of an accepted pose by default."""
MAX_BYTES = 1 << 20
DEFAULT = Path(__file__).with_name('default.json')


@dataclass(frozen=True, kw_only=True)
class Weights(Config):
    """log p / (1 - p) = intercept + sum of weight * feature; a better feature never lowers p."""

    intercept: float = option(0.0, help='Log-odds of a pose whose features are all zero.',
                              low=-1e3, high=1e3)
    score: float = option(0.0, help='Weight of the score.', low=0.0, high=1e3)
    coverage: float = option(0.0, help='Weight of the share of the expected surface that was '
                                       'measured.', low=0.0, high=1e3)
    precision: float = option(0.0, help='Weight of the closeness of the points to the surface, '
                                        'in units of the noise of a depth camera.',
                              low=0.0, high=1e3)
    size: float = option(0.0, help='Weight of the agreement in size between observation and '
                                   'reference.', low=0.0, high=1e3)
    margin: float = option(0.0, help='Weight of the lead on other poses of the reference.',
                           low=0.0, high=1e3)
    lead: float = option(0.0, help='Weight of the lead on other references.', low=0.0, high=1e3)
    points: float = option(0.0, help='Weight of the number of points, on a logarithmic scale.',
                           low=0.0, high=1e3)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the features that are weighted, in their order."""
        return FEATURES

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (E,) in [0, 1] of features (E, len(names()))."""
        weights = np.array([getattr(self, name) for name in self.names()])
        logit = np.clip(self.intercept + features @ weights, -500.0, 500.0)
        probability: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logit))
        return probability


@dataclass(frozen=True, kw_only=True)
class FrameWeights(Weights):
    """Weights for poses in a frame of which there is a depth image."""

    found: float = option(0.0, help='Weight of the share of the predicted pixels that was '
                                    'measured on the surface.', low=0.0, high=1e3)
    agreement: float = option(0.0, help='Weight of the absence of pixels that show what the '
                                        'surface should hide.', low=0.0, high=1e3)
    closeness: float = option(0.0, help='Weight of the closeness of the pixels to the surface, '
                                        'in units of their noise.', low=0.0, high=1e3)
    pixels: float = option(0.0, help='Weight of the number of pixels on the surface, on a '
                                     'logarithmic scale.', low=0.0, high=1e3)
    outline: float = option(0.0, help='Weight of a surface that does not continue beside its '
                                      'silhouette.', low=0.0, high=1e3)
    drop: float = option(0.0, help='Weight of a background behind the rims.', low=0.0, high=1e3)
    pixel_margin: float = option(0.0, help='Weight of the lead on other poses of the reference, '
                                           'by pixels.', low=0.0, high=1e3)
    pixel_lead: float = option(0.0, help='Weight of the lead on other references, by pixels.',
                               low=0.0, high=1e3)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the features that are weighted, in their order."""
        return FEATURES + PIXEL_FEATURES


def weights_name(kind: ObservationKind) -> str:
    """Return the field of Calibration that holds the weights for a kind of observation."""
    return 'single_view' if kind is ObservationKind.SINGLE_VIEW else 'surface'


@dataclass(frozen=True, kw_only=True)
class Calibration(Config):
    """Weights for single views, surfaces and whole frames, which fail in different ways."""

    single_view: Weights = dataclasses.field(default_factory=Weights)
    surface: Weights = dataclasses.field(default_factory=Weights)
    """For full and partial surfaces."""
    frame: FrameWeights = dataclasses.field(default_factory=FrameWeights)
    """For single views in a frame of which there is a depth image."""

    def probability(self, features: NDArray[np.float64], *, kind: ObservationKind
                    ) -> NDArray[np.float64]:
        """Return the probability (E,) that poses with features (E, len(FEATURES)) are right.

        `kind` is that of all their observations.
        """
        weights: Weights = getattr(self, weights_name(kind))
        return weights.probability(features)

    def write(self, path: str | Path) -> None:
        """Write as JSON that `read_calibration` reads; raises FileError."""
        try:
            Path(path).write_text(json.dumps(self.to_mapping(), indent=2) + '\n',
                                  encoding='utf-8')
        except OSError as error:
            raise FileError(f'cannot write {path}: {error.strerror or error}') from error


def read_calibration(path: str | Path) -> Calibration:
    """Read a calibration; raises FileError for what is missing, damaged or out of range."""
    try:
        content = json.loads(read_within(Path(path), MAX_BYTES))
    except OSError as error:
        raise FileError(f'cannot read {path}: {error.strerror or error}') from error
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise FileError(f'{path} is not valid JSON: {reason}; fit it anew with pointpng evaluate '
                        'calibration --fit') from error
    if not isinstance(content, dict) or content.keys() != _KEYS.keys() or not all(
            isinstance(content[name], dict) and content[name].keys() == keys
            for name, keys in _KEYS.items()):
        raise FileError(f'{path}: expected ' + '; '.join(
            f'{name} with {", ".join(sorted(keys))}' for name, keys in _KEYS.items())
            + '; fit it anew with pointpng evaluate calibration --fit')
    try:
        return Calibration.from_mapping(content)
    except ConfigError as error:
        raise FileError(f'{path}: {error}') from error


@functools.cache
def default_calibration() -> Calibration:
    """Return the calibration that ships with the package."""
    return read_calibration(DEFAULT)


_KEYS = {name: {'intercept', *part.names()} for name, part in (
    ('single_view', Weights), ('surface', Weights), ('frame', FrameWeights))}
"""What a calibration contains."""
