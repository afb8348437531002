"""Numbered frames of scenes at rest: what a depth camera measures, and the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.clutter.cameras import draw_camera
from pointpng_core.simulation.clutter.kinds import KINDS, Layout, Sizes, check_kinds, draw_layout
from pointpng_core.simulation.clutter.objects import ClutterObject
from pointpng_core.simulation.clutter.physics import RestingScene, drop
from pointpng_core.simulation.clutter.rendering import ClutterImage, render_clutter
from pointpng_core.simulation.noise import SensorErrors, measure

CAMERA = DepthCamera(fx=575.0, fy=575.0)
"""As of a structured-light camera of 640 x 480 pixels."""
_ATTEMPTS = 20
_LEAST_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class ClutterFrame:
    """One frame of N objects at rest, some of which may lie outside of the image.

    chosen (N,): indices of the objects; T_camera_objects (N, 4, 4) in the optical frame; depth_m
    (H, W) float32 as measured, NaN without a reading; image: the same without errors, with the
    masks; overlap_m: the deepest contact of the convex parts; attempts: scenes that were dropped
    until one came to rest as it should.
    """

    kind: str
    chosen: tuple[int, ...]
    T_camera_objects: NDArray[np.float64]
    depth_m: NDArray[np.float32]
    image: ClutterImage
    overlap_m: float
    attempts: int

    @property
    def visible_fraction(self) -> NDArray[np.float64]:
        """Return the visible share (N,) of the pixels that each object would have alone."""
        pixels = self.image.visible_masks.sum(axis=(1, 2))
        share: NDArray[np.float64] = pixels / np.maximum(self.image.pixels_all, 1)
        return share


class ClutterSimulator:
    """Frames of objects at rest; seed, kind, scene and frame alone decide what a frame shows."""

    def __init__(self, objects: Sequence[ClutterObject], *, seed: int = 0,
                 camera: DepthCamera = CAMERA, noise: SensorErrors | None = None) -> None:
        self._objects, self._seed = objects, seed
        self.camera = camera
        self._noise = noise or SensorErrors()
        self._sizes = Sizes(diameters_m=np.array([item.diameter_m for item in objects]),
                            footprints_m2=np.array([item.footprint_m2 for item in objects]))

    def frame(self, kind: str, scene: int, frame: int) -> ClutterFrame:
        """Return one frame, whose scene is dropped for it alone.

        Raises ConfigError for an unknown kind and where no scene comes to rest, LibraryError for
        a kind that needs more objects, MissingDependencyError.
        """
        check_kinds([kind], len(self._objects))
        for attempt in range(_ATTEMPTS):
            rng = np.random.default_rng([self._seed, KINDS.index(kind), scene, frame, attempt])
            layout = draw_layout(kind, frame, self._sizes, rng)
            resting = drop([self._objects[index] for index in layout.chosen], layout.places_m,
                           layout.scenery, rotations=Rotation.random(len(layout.chosen), rng),
                           at_once=layout.at_once)
            if _as_it_should(resting, layout):
                return self._seen(kind, layout, resting, rng, attempt + 1)
        raise ConfigError(f'{kind}, frame {frame}: none of {_ATTEMPTS} scenes came to rest as it '
                          'should: objects roll, fall off or touch; leave this kind out with '
                          '--kinds, or take another --seed')

    def _seen(self, kind: str, layout: Layout, resting: RestingScene, rng: np.random.Generator,
              attempts: int) -> ClutterFrame:
        """Return the frame that a random camera sees of a scene."""
        left = np.flatnonzero(resting.on_ground)
        chosen, T_world_objects = np.array(layout.chosen)[left], resting.T_world_objects[left]
        bodies = [self._objects[index].body for index in chosen]
        hulls_m = [body.hull @ T[:3, :3].T + T[:3, 3] for body, T in zip(bodies, T_world_objects)]
        T_world_camera = draw_camera(layout.view, np.concatenate(hulls_m), rng)
        T_camera_world = np.linalg.inv(T_world_camera).astype(np.float64)
        T_camera_objects = T_camera_world @ T_world_objects
        image = render_clutter(self.camera, bodies, T_camera_objects, layout.scenery.cast_body(),
                               T_camera_world)
        depth_m = measure(image.image, self._noise, rng, near_m=self.camera.near_m,
                          far_m=self.camera.far_m)
        return ClutterFrame(
            kind=kind, chosen=tuple(int(index) for index in chosen), image=image,
            T_camera_objects=T_camera_objects, depth_m=depth_m, overlap_m=resting.overlap_m,
            attempts=attempts)


def _as_it_should(resting: RestingScene, layout: Layout) -> bool:
    """Return whether all objects rest, enough of them are left, and none touch that must not."""
    enough = resting.on_ground.sum() >= _LEAST_SHARE * len(layout.chosen)
    return bool(resting.rests and enough and not (layout.apart and resting.touching))
