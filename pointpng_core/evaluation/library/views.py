"""Noisy depth views of a model, as by the camera of a robot cell, with their true poses."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.geometry.clouds.visibility import visible_points
from pointpng_core.io import TriangleMesh
from pointpng_core.reference import Reference
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import CastBody, render

CAMERA = DepthCamera(near_m=0.0, far_m=100.0)
NEAREST_DIAMETERS = 2.0
"""Least distance of the camera; large objects are seen from farther away than others."""
OFF_CENTRE = 0.15
"""Largest lateral offset of an object from the optical axis, as a share of the distance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """Points (N, 3) float32 that the camera reads of an object at T_camera_object (4, 4)."""

    points: NDArray[np.float32]
    T_camera_object: NDArray[np.float64]


def random_views(model: TriangleMesh | NDArray[np.float32], reference: Reference, *, views: int,
                 distance_m: float, seed: list[int], noise: SensorErrors) -> Iterator[View]:
    """Yield so many views of an object alone in uniformly random rotations.

    A mesh is rendered; the points (N, 3) of a cloud are taken where they are visible. The same
    seed gives the same views.
    """
    distance_m = max(distance_m, NEAREST_DIAMETERS * reference.diameter_m)
    body = CastBody(model) if isinstance(model, TriangleMesh) else None
    for view in range(views):
        rng = np.random.default_rng([*seed, view])
        T = _pose(reference.centre, distance_m, rng)
        points = _rendered(body, T, noise, rng) if body else _facing(reference, T, noise, rng)
        yield View(points=points, T_camera_object=T)


def _pose(centre: NDArray[np.float64], distance_m: float, rng: np.random.Generator
          ) -> NDArray[np.float64]:
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    aside = rng.uniform(-OFF_CENTRE, OFF_CENTRE, 2) * distance_m
    T[:3, 3] = [*aside, distance_m] - T[:3, :3] @ centre
    return T


def _rendered(body: CastBody, T_camera_object: NDArray[np.float64], noise: SensorErrors,
              rng: np.random.Generator) -> NDArray[np.float32]:
    image = render(CAMERA, [body], T_camera_object[None])
    depth_m = measure(image, noise, rng, near_m=CAMERA.near_m, far_m=CAMERA.far_m)
    points = CAMERA.pinhole.backproject(depth_m).reshape(-1, 3)
    return points[np.isfinite(points).all(axis=1)]


def _facing(reference: Reference, T_camera_object: NDArray[np.float64], noise: SensorErrors,
            rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the visible points of a cloud, with the noise of the depth camera."""
    R, t = T_camera_object[:3, :3], T_camera_object[:3, 3]
    local = reference.points - reference.centre
    eye = -R.T @ t - reference.centre
    seen = reference.points[visible_points(local, eye, spacing_m=reference.spacing_m)]
    points = (seen.astype(np.float64) @ R.T + t).astype(np.float32)
    sigma_m = noise.sigma_m(points[:, 2])
    along = 1.0 + sigma_m * rng.standard_normal(len(points), dtype=np.float32) / points[:, 2]
    return points * along[:, None]
