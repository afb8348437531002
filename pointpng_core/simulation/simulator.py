"""World, camera and sensor noise together: numbered frames, each with its ground truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import CastBody, render
from pointpng_core.simulation.shapes.catalogue import CatalogueObject
from pointpng_core.simulation.tabletop import TabletopWorld, World, WorldConfig


@dataclass(frozen=True, kw_only=True)
class ObjectTruth:
    """The ground truth of one object in one frame; T_camera_object (4, 4) in the optical frame."""

    label: str
    frame: str
    T_camera_object: NDArray[np.float64]
    visible_share: float
    inside: bool


@dataclass(frozen=True, kw_only=True)
class SimulatedFrame:
    """Organised points (H, W, 3) float32 in the optical frame, NaN where nothing was read.

    `owner` (H, W) int16 is the object that each ray hit (index into `truths`, negative: none).
    """

    points: NDArray[np.float32]
    owner: NDArray[np.int16]
    truths: tuple[ObjectTruth, ...]

    def in_view(self, min_visible_share: float) -> tuple[ObjectTruth, ...]:
        """Return the objects completely inside the image with at least this visible share."""
        return tuple(truth for truth in self.truths
                     if truth.inside and truth.visible_share >= min_visible_share)


class DepthSimulator:
    """Frames of a world as a depth camera reads them; the same seed gives the same frames."""

    def __init__(self, world: World, *, camera: DepthCamera | None = None,
                 noise: SensorErrors | None = None) -> None:
        self.world = world
        self.camera = camera or DepthCamera()
        self.noise = noise or SensorErrors()
        self._bodies = [CastBody(item.kind.mesh) for item in world.objects]

    def frame(self, index: int, *, rate_hz: float) -> SimulatedFrame:
        """Return frame number `index` of a camera that runs at `rate_hz`."""
        time_s = index / rate_hz
        T_camera_world = np.linalg.inv(self.world.T_world_camera(time_s)).astype(np.float64)
        T_camera_objects = T_camera_world @ self.world.T_world_objects(time_s)
        image = render(self.camera, self._bodies, T_camera_objects, self.world.rectangles,
                       T_camera_world)
        rng = np.random.default_rng([self.world.config.seed, index])
        depth_m = measure(image, self.noise, rng, near_m=self.camera.near_m,
                          far_m=self.camera.far_m)
        truths = tuple(
            ObjectTruth(label=item.label, frame=item.frame, T_camera_object=T,
                        visible_share=float(share), inside=bool(inside))
            for item, T, share, inside in zip(self.world.objects, T_camera_objects,
                                               image.visible_share, image.inside))
        return SimulatedFrame(points=self.camera.pinhole.backproject(depth_m), owner=image.owner,
                              truths=truths)


@dataclass(frozen=True, kw_only=True)
class TurntableConfig:
    """A recording by a static camera: its number of frames, and how far the object rotates."""

    frames: int = 36
    rotation_deg: float = 360.0
    distance_m: float = 0.5
    height_deg: float = 35.0
    seed: int = 0


def turntable(model: str | CatalogueObject, *, camera: DepthCamera,
              config: TurntableConfig) -> Iterator[SimulatedFrame]:
    """Yield the frames of one object (or its catalogue name) on a turntable, off its axis."""
    world = TabletopWorld([model], config=WorldConfig(
        seed=config.seed, slide_m=0.0, lying_share=0.0, camera_nod_deg=0.0, camera_swing_deg=0.0,
        camera_distance_m=config.distance_m, camera_height_deg=config.height_deg))
    step_rad = float(np.radians(config.rotation_deg)) / config.frames
    standing, = world.objects
    motion = replace(standing.motion, spin_rad_s=step_rad, home=np.array([0.02, -0.03]))
    world.objects = (replace(standing, motion=motion),)
    simulator = DepthSimulator(world, camera=camera)
    for index in range(config.frames):
        yield simulator.frame(index, rate_hz=1.0)
