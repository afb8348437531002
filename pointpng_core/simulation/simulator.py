"""World, camera and sensor noise together: numbered frames, each with its truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import CastBody, render
from pointpng_core.simulation.tabletop import TabletopWorld


@dataclass(frozen=True, kw_only=True)
class ObjectTruth:
    """The truth about one object in one frame; T_camera_object (4, 4) in the optical frame."""

    label: str
    frame: str
    T_camera_object: NDArray[np.float64]
    visible_share: float
    inside: bool


@dataclass(frozen=True, kw_only=True)
class SimulatedFrame:
    """Organised points (H, W, 3) float32 in the optical frame, NaN where nothing was read.

    `owner` (H, W) int16 tells the object each ray met (index into `truths`, negative: none).
    """

    points: NDArray[np.float32]
    owner: NDArray[np.int16]
    truths: tuple[ObjectTruth, ...]

    def in_view(self, min_visible_share: float) -> tuple[ObjectTruth, ...]:
        """Objects wholly inside the image of which at least this share is not occluded."""
        return tuple(truth for truth in self.truths
                     if truth.inside and truth.visible_share >= min_visible_share)


class DepthSimulator:
    """Frames of a world as a depth camera reads them; the same seed gives the same frames."""

    def __init__(self, world: TabletopWorld, *, camera: DepthCamera | None = None,
                 noise: SensorErrors | None = None) -> None:
        self.world = world
        self.camera = camera or DepthCamera()
        self.noise = noise or SensorErrors()
        self._bodies = [CastBody(thing.kind.mesh) for thing in world.objects]

    def frame(self, index: int, *, rate_hz: float) -> SimulatedFrame:
        """Frame number `index` of a camera that runs at `rate_hz`."""
        time_s = index / rate_hz
        T_camera_world = np.linalg.inv(self.world.T_world_camera(time_s)).astype(np.float64)
        T_camera_objects = T_camera_world @ self.world.T_world_objects(time_s)
        image = render(self.camera, self._bodies, T_camera_objects, self.world.rectangles,
                       T_camera_world)
        rng = np.random.default_rng([self.world.config.seed, index])
        depth_m = measure(image, self.noise, rng, near_m=self.camera.near_m,
                          far_m=self.camera.far_m)
        truths = tuple(
            ObjectTruth(label=thing.label, frame=thing.frame, T_camera_object=T,
                        visible_share=float(share), inside=bool(inside))
            for thing, T, share, inside in zip(self.world.objects, T_camera_objects,
                                               image.visible_share, image.inside))
        return SimulatedFrame(points=self.camera.backproject(depth_m), owner=image.owner,
                              truths=truths)
