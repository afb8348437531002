"""The scenes of the simulated camera by name, and the objects that each of them shows."""

from collections.abc import Sequence

from pointpng_core.errors import ConfigError
from pointpng_core.simulation.piles import PileWorld, pile_of
from pointpng_core.simulation.tabletop import TabletopWorld, World, WorldConfig

TABLETOP, CLUTTER = 'tabletop', 'clutter'
SCENES = (TABLETOP, CLUTTER)
TABLETOP_OBJECTS = ('mug', 'bottle', 'drill', 'bracket', 'box', 'spray')


def scene_objects(scene: str, names: Sequence[str], *, seed: int) -> tuple[str, ...]:
    """Return the names of a scene's objects: those given for a table, or its own where none are.

    Raises ConfigError for an unknown scene, and for names given to one that has its own.
    """
    if scene not in SCENES:
        raise ConfigError(f'scene {scene!r}: choose from {", ".join(SCENES)}')
    if scene == TABLETOP:
        return tuple(names) or TABLETOP_OBJECTS
    if names:
        raise ConfigError(f'objects {",".join(names)}: the scene {scene} has objects of its own; '
                          f'leave them out, or show the scene {TABLETOP}')
    return tuple(name for name, _ in pile_of(seed))


def make_world(scene: str, names: Sequence[str], *, config: WorldConfig) -> World:
    """Return the world of a scene; raises ConfigError as `scene_objects` and `TabletopWorld`."""
    chosen = scene_objects(scene, names, seed=config.seed)
    if scene == CLUTTER:
        return PileWorld(config=config)
    return TabletopWorld(chosen, config=config)
