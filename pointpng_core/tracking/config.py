"""What a pose may do from one frame to the next, and when it is not believed any more."""

from dataclasses import dataclass

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class TrackingConfig(Config):
    """The objects of a sequence of frames: which segment is whose, when to search again."""

    enabled: bool = option(True, help='Whether objects are followed from frame to frame; without '
                                      'it every frame is judged for itself.')
    association_gate: float = option(0.15, help='Mean distance from the expected surface of an object up to '
                                    'which a segment may be this object.',
                         unit='diameters', low=0.001, high=2.0)
    join_share: float = option(0.8, help='Further segments belong to a tracked object when this '
                                         'share of their points lies on its surface.',
                               low=0.0, high=1.0)
    motion: float = option(0.03, help='Share of the newest motion of an object in the one that is '
                                     'expected to go on; 0 takes the mean since it was found.',
                           low=0.0, high=1.0)
    degeneracy_threshold: float = option(0.006, help='A direction in which a unit of motion changes the mean '
                                      'squared distance from the surface by less is not held by '
                                      'what is seen: the pose goes on there as expected.',
                         low=0.0, high=1.0)
    check_every: int = option(10, help='Frames after which a tracked object is searched globally '
                                       'all the same, in turns; 0: never.', low=0, high=100000)
    score_drop_ratio: float = option(0.85, help='An object whose score falls below this share of its usual '
                                    'one is searched globally at once.', low=0.0, high=1.0)
    hysteresis_ratio: float = option(0.88, help='The previous pose and label are kept while they explain at '
                                    'least this share of what the best found explains.',
                         low=0.0, high=1.0)
    confirmation_count: int = option(5, help='Searches in a row, one each frame, that must find something '
                                   'clearly better before a tracked pose is given up: the '
                                   'score of a single frame is noisy.', low=1, high=1000)
    min_confidence: float = option(0.5, help='Least probability of being right, of the pose of an '
                                             'object that is followed: it was surer once.',
                                   low=0.0, high=1.0)
    max_missed: int = option(10, help='Frames for which an object that is not seen keeps its '
                                      'index.', low=0, high=100000)
    max_gap_s: float = option(2.0, help='All objects are forgotten after a longer time between '
                                        'two clouds, or when the time jumps back.',
                              unit='s', low=0.01, high=3600.0)
