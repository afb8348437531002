"""Options of tracking: association, smoothing, and when a tracked object is searched again."""

from dataclasses import dataclass

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class TrackingConfig(Config):
    """Options for tracking objects through a sequence of frames."""

    enabled: bool = option(True, help='Whether objects are tracked from frame to frame; otherwise '
                                      'every frame is processed on its own.')
    association_gate: float = option(
        0.15, unit='diameters', low=0.001, high=2.0,
        help='Largest mean distance of a segment from the expected surface of an object at which '
             'it may belong to this object.')
    join_share: float = option(
        0.8, low=0.0, high=1.0,
        help='Further segments belong to a tracked object when this share of their points lies on '
             'its surface.')
    motion_smoothing: float = option(
        0.03, low=0.0, high=1.0,
        help='Weight of the newest motion of an object in its predicted motion; 0 takes the mean '
             'since it was found.')
    degeneracy_threshold: float = option(
        0.006, low=0.0, high=1.0,
        help='Directions in which a unit of motion changes the mean squared distance from the '
             'surface by less are not constrained by the visible points: the pose stays as '
             'expected along them.')
    check_every: int = option(
        10, low=0, high=100000,
        help='Frames after which a tracked object is searched globally as a check, one object '
             'after the other; 0: never.')
    cut_every: int = option(
        5, low=1, high=100000,
        help='What no pose explains is cut, and merged with its neighbours, in the first frame of '
             'a sequence and then in every so many frames.')
    score_drop_ratio: float = option(
        0.85, low=0.0, high=1.0,
        help='An object whose score falls below this share of its mean score is searched globally '
             'at once.')
    hysteresis_ratio: float = option(
        0.88, low=0.0, high=1.0,
        help='The previous pose and label are kept while they explain at least this share of what '
             'the best pose found explains.')
    confirmation_count: int = option(
        5, low=1, high=1000,
        help='Consecutive searches, one in each frame, that must find something clearly better '
             'before a tracked pose is replaced: the score of a single frame is noisy.')
    min_confidence: float = option(
        0.5, low=0.0, high=1.0,
        help='Least confidence of an accepted pose of a tracked object; lower than for a new '
             'object, since it was accepted before.')
    max_missed: int = option(
        10, low=0, high=100000,
        help='Frames for which an object that is not posed keeps its index.')
    max_gap_s: float = option(
        2.0, unit='s', low=0.01, high=3600.0,
        help='All tracks are dropped after a longer time between two clouds, or when the time '
             'jumps back.')
