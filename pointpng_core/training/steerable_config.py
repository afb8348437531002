"""What a steerable encoder is trained on, and how its losses are weighed."""

from dataclasses import dataclass

from pointpng_core.config import Config, option


@dataclass(frozen=True, kw_only=True)
class SteerableConfig(Config):
    """Pairs of whole surfaces, and of camera views among rendered ones."""

    views: int = option(5, help='Views of each object that are rendered as references are; one '
                                'lies near the view of the camera.', low=1, high=256)
    near_rad: float = option(0.12, help='How near.', unit='rad', low=0.0, high=1.0)
    view_points: int = option(256, help='Points of a view.', low=32, high=65536)
    whole_points: int = option(512, help='Points of each of two draws of a whole surface, which '
                                         'share as few as the pool allows.', low=32, high=65536)
    jitter: float = option(0.02, help='Greatest noise of a whole surface.', unit='diameters',
                           low=0.0, high=0.2)
    rotations: int = option(3072, help='Pseudo-negatives of whole surfaces: a grid on SO(3).',
                            low=64, high=200000)
    in_plane_rotations: int = option(36, help='Those of views: angles about the line of sight.',
                         low=8, high=720)
    right_rad: float = option(0.27, help='A view that brings the object so near to its true '
                                         'rotation is right.', unit='rad', low=0.01, high=1.5)
    wrong_rad: float = option(0.4, help='One that is off by more is a pseudo-negative.',
                              unit='rad', low=0.01, high=3.0)
    full_view: float = option(0.2, help='Weight of views among whole surfaces, turned to face '
                                        'the camera.', low=0.0, high=100.0)
    align: float = option(0.1, help='Weight of L_align.', low=0.0, high=100.0)
    unif: float = option(0.3, help='Weight of L_unif.', low=0.0, high=100.0)
    centre: float = option(2.0, help="Weight of the error of the object's centre.",
                           low=0.0, high=100.0)
    visible: float = option(0.5, help='Weight of the error of the share that is seen.',
                            low=0.0, high=100.0)
