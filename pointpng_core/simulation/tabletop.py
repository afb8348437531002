"""Objects of the catalogue on a table before a moving camera; apart, they move smoothly too."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.config import Config, option
from pointpng_core.errors import ConfigError
from pointpng_core.simulation.motion import Orbit, TableMotion
from pointpng_core.simulation.placement import place_discs
from pointpng_core.simulation.rendering import Rectangle
from pointpng_core.simulation.shapes.catalogue import CatalogueObject, make_object


@dataclass(frozen=True, kw_only=True)
class WorldConfig(Config):
    """The table, the motion of its objects, and the path of the camera."""

    seed: int = option(0, help='Seed of places, rests and motions.', low=0)
    half_x_m: float = option(0.60, help='Half the width of the table.', unit='m', low=0.1)
    half_y_m: float = option(0.45, help='Half the depth of the table.', unit='m', low=0.1)
    table_m: float = option(0.72, help='Height of the table above the floor.', unit='m', low=0)
    gap_m: float = option(0.015, help='Least distance between two objects.', unit='m', low=0)
    slide_m: float = option(0.02, help='Largest radius of the circles objects slide on.',
                            unit='m', low=0, high=0.2)
    slide_period_s: float = option(12.0, help='Time of one such circle.', unit='s', low=0.1)
    spin_deg_s: float = option(5.0, help='Fastest spin about the vertical.', unit='deg/s',
                               low=0, high=360)
    lying_share: float = option(0.3, help='Chance that an object which can lie does so.',
                                low=0, high=1)
    camera_distance_m: float = option(0.85, help='Camera to the point it looks at.', unit='m',
                                      low=0.3, high=5)
    camera_target_m: float = option(0.05, help='Height of that point over the table.', unit='m',
                                    low=-1, high=1)
    camera_height_deg: float = option(38.0, help='Mean elevation of the camera.', unit='deg',
                                      low=5, high=85)
    camera_nod_deg: float = option(5.0, help='Largest change of elevation.', unit='deg', low=0,
                                   high=45)
    camera_swing_deg: float = option(35.0, help='Largest swing around the table.', unit='deg',
                                     low=0, high=180)
    camera_period_s: float = option(24.0, help='Time of one swing to and fro.', unit='s', low=0.1)


@dataclass(frozen=True, kw_only=True)
class WorldObject:
    """One object of the world; `frame` (LABEL_INDEX) is unique, `label` need not be."""

    label: str
    frame: str
    kind: CatalogueObject
    motion: TableMotion


class World:
    """Objects on a table, each with its motion, and the camera's path around it."""

    def __init__(self, config: WorldConfig, kinds: Sequence[CatalogueObject],
                 motions: Sequence[TableMotion]) -> None:
        self.config, self.objects = config, _numbered(kinds, motions)

    @property
    def rectangles(self) -> tuple[Rectangle, Rectangle]:
        """Return the table top (z = 0 of the world) and the floor."""
        config = self.config
        return (Rectangle(half_x_m=config.half_x_m, half_y_m=config.half_y_m),
                Rectangle(half_x_m=5.0, half_y_m=5.0, height_m=-config.table_m))

    def T_world_objects(self, time_s: float) -> NDArray[np.float64]:
        """Return the poses (B, 4, 4) of all objects."""
        return np.stack([item.motion.T_world_object(time_s) for item in self.objects])

    def T_world_camera(self, time_s: float) -> NDArray[np.float64]:
        """Return the pose (4, 4) of the camera's optical frame."""
        config = self.config
        orbit = Orbit(distance_m=config.camera_distance_m,
                      target_z_m=config.camera_target_m, height_deg=config.camera_height_deg,
                      nod_deg=config.camera_nod_deg, swing_deg=config.camera_swing_deg,
                      period_s=config.camera_period_s)
        return orbit.T_world_camera(time_s)


class TabletopWorld(World):
    """Objects that never touch, placed by seed: names of the catalogue, or others; any may repeat.

    Raises ConfigError for an unknown name, and where they do not fit on the table.
    """

    def __init__(self, objects: Sequence[str | CatalogueObject], *,
                 config: WorldConfig | None = None) -> None:
        if not objects:
            raise ConfigError('a world needs at least one object')
        config = config or WorldConfig()
        rng = np.random.default_rng(config.seed)
        kinds = [make_object(kind) if isinstance(kind, str) else kind for kind in objects]
        rests = [_rest(kind, config.lying_share, rng) for kind in kinds]
        slides = rng.uniform(0, config.slide_m, size=len(kinds))
        footprints = [_footprint_m(kind, rest) for kind, rest in zip(kinds, rests)]
        homes = place_discs([r + s for r, s in zip(footprints, slides)], rng=rng,
                            gap_m=config.gap_m, half_x_m=config.half_x_m,
                            half_y_m=config.half_y_m)
        super().__init__(config, kinds, [_motion(config, rest, home, slide, rng) for
                                         rest, home, slide in zip(rests, homes, slides)])


def _motion(config: WorldConfig, T_table_object: NDArray[np.float64], home: NDArray[np.float64],
            slide_m: float, rng: np.random.Generator) -> TableMotion:
    way = rng.choice([-1.0, 1.0])
    spin_deg_s = rng.uniform(-config.spin_deg_s, config.spin_deg_s)
    return TableMotion(T_table_object=T_table_object, home=home, slide_m=float(slide_m),
                       slide_rad_s=way * 2 * np.pi / config.slide_period_s,
                       spin_rad_s=float(np.radians(spin_deg_s)),
                       phase_rad=float(rng.uniform(0, 2 * np.pi)))


def _rest(kind: CatalogueObject, lying_share: float,
          rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the pose (4, 4) at rest: lowest point on z = 0, bounding box centred at x = y = 0."""
    lies = len(kind.rests) > 1 and rng.random() < lying_share
    R = kind.rests[rng.integers(1, len(kind.rests))] if lies else kind.rests[0]
    rotated = kind.mesh.vertices @ R.T
    low, high = rotated.min(axis=0), rotated.max(axis=0)
    T_table_object = np.eye(4)
    T_table_object[:3, :3] = R
    T_table_object[:3, 3] = [-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]]
    return T_table_object


def _footprint_m(kind: CatalogueObject, T_table_object: NDArray[np.float64]) -> float:
    """Return the radius about the vertical that the object never leaves when it spins."""
    placed = kind.mesh.vertices @ T_table_object[:3, :3].T + T_table_object[:3, 3]
    return float(np.linalg.norm(placed[:, :2], axis=1).max())


def _numbered(kinds: Sequence[CatalogueObject],
              motions: Sequence[TableMotion]) -> tuple[WorldObject, ...]:
    counts: Counter[str] = Counter()
    objects = []
    for kind, motion in zip(kinds, motions):
        objects.append(WorldObject(label=kind.name, frame=f'{kind.name}_{counts[kind.name]}',
                                   kind=kind, motion=motion))
        counts[kind.name] += 1
    return tuple(objects)
