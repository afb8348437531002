"""One object that turns on the spot before a simulated camera: what a turn-table recording has."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.shapes.catalogue import CatalogueObject
from pointpng_core.simulation.simulator import DepthSimulator, SimulatedFrame
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig


@dataclass(frozen=True, kw_only=True)
class TurntableConfig:
    """How the recording is made: so many frames over so much of a turn, from a resting camera."""

    frames: int = 36
    rotation_deg: float = 360.0
    distance_m: float = 0.5
    height_deg: float = 35.0
    seed: int = 0


def turntable(thing: str | CatalogueObject, *, camera: DepthCamera,
              config: TurntableConfig) -> Iterator[SimulatedFrame]:
    """Yield the frames of a recording; the object (or its catalogue name) stands off the axis."""
    world = TabletopWorld([thing], config=WorldConfig(
        seed=config.seed, slide_m=0.0, lying_share=0.0, camera_nod_deg=0.0, camera_swing_deg=0.0,
        camera_distance_m=config.distance_m, camera_height_deg=config.height_deg))
    step_rad = float(np.radians(config.rotation_deg)) / config.frames
    standing, = world.objects
    motion = replace(standing.motion, spin_rad_s=step_rad, home=np.array([0.02, -0.03]))
    world.objects = (replace(standing, motion=motion),)
    simulator = DepthSimulator(world, camera=camera)
    for index in range(config.frames):
        yield simulator.frame(index, rate_hz=1.0)
