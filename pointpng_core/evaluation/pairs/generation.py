"""Pairs for validation: the protocols of the benchmark's files, on other objects.

An object's pairs depend on the seed and its position in the source, not on the other objects.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
import torch

from pointpng_core.evaluation.pairs.files import PosePair
from pointpng_core.evaluation.pairs.mesh_sources import NamedMeshes
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.geometry.rigid_motion import transform
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.noise import SensorErrors, measure
from pointpng_core.simulation.rendering import CastBody, render
from pointpng_core.training.data.objects import ObjectSet
from pointpng_core.training.point_samples import disjoint_samples

CAMERA = DepthCamera(width=1280, height=960, fx=1050.0, fy=1050.0, cx=639.5, cy=479.5,
                     near_m=0.2, far_m=3.0)
"""A short-range sensor, with twice the resolution of a Kinect."""
DEPTHS_M = (0.5, 0.9)
ASIDE = (0.15, 0.10)
"""Largest offset of an object from the optical axis, right and down, over its depth."""
LEAST_READINGS = 300
TRIES = 50
_MARGIN_PX = 8
Rng = np.random.Generator
Report = Callable[[str], None]


def half_pairs(objects: ObjectSet, rows: Iterable[int], *, points: int, seed: int,
               jitter: float = 0.0, report: Report = lambda line: None) -> list[PosePair]:
    """Return a pair of disjoint samples of `points` of each object, one randomly rotated.

    Both get Gaussian noise with a deviation of `jitter` radii of the object. Objects with fewer
    than twice as many different points are left out, and reported.
    """
    pairs = []
    for row in rows:
        generator = torch.Generator().manual_seed(_seed(seed, row))
        samples = disjoint_samples(objects.points[row], points, generator=generator)
        source, target = (sample.numpy() for sample in samples)
        if len(source) < points:
            report(f'{objects.names[row]}: left out, it has only {2 * len(source)} points')
            continue
        if jitter:
            source, target = _jittered((source, target), jitter,
                                       np.random.default_rng([seed, row]))
        T = np.eye(4)
        T[:3, :3] = Rotation.random(random_state=_seed(seed, row)).as_matrix()
        pairs.append(PosePair(source=source, target=transform(T, target).astype(np.float32),
                              T_target_source=T, name=objects.names[row]))
    return pairs


def _jittered(clouds: Iterable[NDArray[np.float32]], jitter: float, rng: Rng
              ) -> list[NDArray[np.float32]]:
    noisy = []
    for cloud in clouds:
        radius = np.linalg.norm(cloud - cloud.mean(axis=0), axis=1).max()
        noise = jitter * radius * rng.standard_normal(cloud.shape)
        noisy.append((cloud + noise).astype(np.float32))
    return noisy


def view_pairs(meshes: NamedMeshes, rows: Iterable[int], *, views: int, points: int, seed: int,
               noise: SensorErrors | None = None, report: Report = lambda line: None
               ) -> list[PosePair]:
    """Return pairs of a mesh's surface and one noisy depth view of it, `points` of each.

    The object is 0.5 to 0.9 m from the camera in a random rotation; targets are in the camera's
    frame, metres. Views with fewer than LEAST_READINGS are repeated with another pose; objects
    without a view of that many are left out, and reported.
    """
    pairs = []
    for row in rows:
        rng, mesh, name = np.random.default_rng([seed, row]), meshes.read(row), meshes.names[row]
        source, body = sample_surface(mesh, points, seed=seed)[0], CastBody(mesh)
        for _ in range(views):
            seen = _view(mesh, body, noise or SensorErrors(), rng)
            if seen is None:
                report(f'{name}: left out, fewer than {LEAST_READINGS} readings of it')
                break
            T, cloud = seen
            target = cloud[rng.choice(len(cloud), points, replace=len(cloud) < points)]
            pairs.append(PosePair(source=source, target=target, T_target_source=T, name=name))
    return pairs


def _view(mesh: TriangleMesh, body: CastBody, noise: SensorErrors, rng: Rng
          ) -> tuple[NDArray[np.float64], NDArray[np.float32]] | None:
    """Return a pose T_camera_mesh and the measured points (N, 3); None where they are few."""
    for _ in range(TRIES):
        T = _pose(mesh, rng)
        camera = _around(body, T)
        depth_m = measure(render(camera, [body], T[None]), noise, rng, near_m=camera.near_m,
                          far_m=camera.far_m)
        cloud = camera.pinhole.backproject(depth_m)[np.isfinite(depth_m)]
        if len(cloud) >= LEAST_READINGS:
            return T, cloud
    return None


def _pose(mesh: TriangleMesh, rng: Rng) -> NDArray[np.float64]:
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    depth_m = rng.uniform(*DEPTHS_M)
    middle = (mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)) / 2
    aside = rng.uniform(-1.0, 1.0, 2) * ASIDE
    T[:3, 3] = np.array([*aside, 1.0]) * depth_m - T[:3, :3] @ middle
    return T


def _around(body: CastBody, T_camera_body: NDArray[np.float64]) -> DepthCamera:
    """Return a camera with only the pixels of CAMERA around a body: the same rays, far fewer."""
    pixels = CAMERA.pinhole.project(transform(T_camera_body, body.hull))
    size = np.array([CAMERA.width, CAMERA.height])
    low = np.clip(np.floor(pixels.min(axis=0)) - _MARGIN_PX, 0, size - 2 * _MARGIN_PX)
    high = np.clip(np.ceil(pixels.max(axis=0)) + _MARGIN_PX, low + 2 * _MARGIN_PX, size)
    width, height = (high - low).astype(int)
    return replace(CAMERA, width=int(width), height=int(height), cx=CAMERA.cx - float(low[0]),
                   cy=CAMERA.cy - float(low[1]))


def _seed(seed: int, row: int) -> int:
    """Return one seed for an object of a source."""
    return int(np.random.SeedSequence([seed, row]).generate_state(1)[0])
