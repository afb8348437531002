"""Building references from meshes, clouds and single views."""

from dataclasses import dataclass
import math
import warnings

import numpy as np
from numpy.typing import NDArray
import torch

from pointpng_core.config import Config, option
from pointpng_core.embedding.model_zoo import TRAINING_FREE, load_model
from pointpng_core.embedding.protocols import Encoder
from pointpng_core.errors import CloudError
from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.clouds import (
    centred,
    diameter_m,
    estimate_normals,
    farthest_points,
    random_points,
    require_points,
    spacing_m,
)
from pointpng_core.geometry.clouds.measures import lie_on_a_line
from pointpng_core.geometry.meshes import TriangleMesh, sample_surface
from pointpng_core.geometry.orientation import outward
from pointpng_core.io.model_files import check_metres
from pointpng_core.reference.near_symmetry import NONE, near_symmetries
from pointpng_core.reference.reference import Reference
from pointpng_core.reference.surface.kd_tree import SurfaceTree
from pointpng_core.reference.surface.voxel_lookup import build_field
from pointpng_core.reference.symmetry_detection.detection import discover_symmetry
from pointpng_core.reference.view_bank import Rendering, all_around, render_views

MIN_POINTS = 32
"""Fewer points make no surface."""
VIEW_CONE_RAD = math.radians(40.0)
"""A single view shows one side; views rendered from farther around would miss hidden surface."""


def check_size(model: TriangleMesh | NDArray[np.floating], *, name: str) -> None:
    """Raise CloudError for a model whose extent shows that it is not in metres."""
    what = f'model {name!r}'
    check_metres(what, model.vertices if isinstance(model, TriangleMesh)
                 else require_points(model, least=1, what=what))


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """Points and normals (N, 3) of one object, and what is known about them."""

    name: str
    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    symmetry: Symmetry | None
    """None: to be detected."""
    complete: bool
    """Whether it is known from all sides."""
    outward: bool
    """Whether the normals are known to point outwards."""


@dataclass(frozen=True, kw_only=True)
class ReferenceConfig(Config):
    """Options for preparing references, which is done once per object."""

    surface_points: int = option(6000, help='Points sampled from the surface of a mesh.',
                                 low=256, high=100000)
    views: int = option(200, help='Directions a reference is rendered from.', low=4, high=5000)
    view_distance: float = option(4.0, help='Distance of the rendering camera.', unit='diameters',
                                  low=0.6, high=100.0)
    occlusion_step: int = option(3, help='Every so many views are also embedded partly occluded.',
                                 low=1, high=5000)
    occlusions: int = option(4, help='Ways in which such a view is occluded; 0: none.',
                             low=0, high=64)
    sample: int = option(512, help='Points embedded per view or cloud.', low=32, high=8192)
    full_surface_sample: int = option(2048, help='Points embedded of a full surface.',
                                      low=32, high=65536)
    probes: int = option(256, help='Surface points tested for visibility.', low=32, high=4096)


class ReferenceBuilder:
    """Builds references from surfaces for one encoder."""

    def __init__(self, *, encoder: Encoder, config: ReferenceConfig, device: torch.device) -> None:
        self.encoder, self.config, self.device = encoder, config, device

    def from_model(self, model: TriangleMesh | NDArray[np.floating], *, name: str,
                   symmetry: Symmetry | None) -> Reference:
        """Build from a mesh or from points (N, 3) that cover the whole surface.

        Without a `symmetry` it is detected from the surface. Raises CloudError, also for objects
        of no size in EXTENT_RANGE_M: they are not in metres.
        """
        check_size(model, name=name)
        points, normals = self.surface_of(model, name=name)
        if normals is None:
            normals = estimate_normals(points)
        surface = Surface(name=name, points=points, normals=normals, symmetry=symmetry,
                          complete=True, outward=isinstance(model, TriangleMesh))
        return self._build(surface, all_around(self.config.views))

    def surface_of(self, model: TriangleMesh | NDArray[np.floating], *, name: str
                   ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return the points (N, 3) of a reference of the model, and normals where it has faces.

        Surfaces are turned outward, with a warning where that is in doubt. They are the same
        whenever they are computed. Raises CloudError.
        """
        if isinstance(model, TriangleMesh):
            checked = outward(model)
            for warning in checked.warnings:
                warnings.warn(f'model {name!r}: {warning}', stacklevel=2)
            return sample_surface(checked.mesh, self.config.surface_points)
        return require_points(model, least=MIN_POINTS, what=f'model {name!r}'), None

    def from_view(self, points: NDArray[np.floating], *, name: str) -> Reference:
        """Build from points (N, 3) visible to a camera at the origin.

        The frame of the reference has the axes of the camera and its origin at the centroid of
        the points. Raises CloudError.
        """
        points, centroid = view_surface(points, name=name)
        surface = Surface(name=name, points=points, symmetry=Symmetry(), complete=False,
                          normals=estimate_normals(points, viewpoint=-centroid), outward=True)
        distance = np.linalg.norm(centroid)
        if not distance > 0:
            raise CloudError(f'view of {name!r}: the points surround the camera at the origin')
        towards, around = -centroid / distance, all_around(self.config.views)
        near = around[around @ towards >= math.cos(VIEW_CONE_RAD)]
        return self._build(surface, np.vstack((towards, near)))

    def _build(self, surface: Surface, directions: NDArray[np.float64]) -> Reference:
        points, normals = surface.points, surface.normals
        diameter, spacing = diameter_m(points), spacing_m(points)
        if not diameter > 0:
            raise CloudError(f'{surface.name!r}: all points coincide; a surface is needed')
        if lie_on_a_line(points):
            raise CloudError(f'{surface.name!r}: all points lie on a line, about which no '
                             'rotation can be seen; a surface is needed')
        local, centre = centred(points)
        cloud = torch.from_numpy(local).to(self.device)
        probes = farthest_points(cloud[None], min(self.config.probes, len(points)))[0]
        views = render_views(
            local, probes.cpu().numpy(), normals=normals, outward=surface.outward,
            spacing_m=spacing, diameter_m=diameter, encoder=self.encoder, device=self.device,
            rendering=Rendering(
                directions=directions, distance_m=self.config.view_distance * diameter,
                occlusion_step=self.config.occlusion_step, occlusions=self.config.occlusions,
                sample=self.config.sample))
        symmetry = surface.symmetry if surface.symmetry is not None else discover_symmetry(
            points, normals, diameter_m=diameter, spacing_m=spacing)
        full_surface = torch.from_numpy(
            random_points(local, self.config.full_surface_sample)).to(self.device)
        return Reference(
            name=surface.name, symmetry=symmetry, near_symmetries=near_symmetries(
                points, normals, centre, diameter, symmetry) if surface.complete else NONE,
            points=points, normals=normals, centre=centre, diameter_m=diameter,
            spacing_m=spacing, complete=surface.complete, outward=surface.outward,
            probes=cloud[probes], views=views,
            embedding=self.encoder.encode(full_surface[None] / diameter)[0],
            field=build_field(local, normals, diameter_m=diameter, spacing_m=spacing,
                              device=self.device),
            tree=SurfaceTree(local))


def view_surface(points: NDArray[np.floating], *, name: str
                 ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the points (N, 3) of a reference of a view, and their centroid (3,) in the view.

    Raises CloudError.
    """
    return centred(require_points(points, least=MIN_POINTS, what=f'view of {name!r}'))


def default_builder() -> ReferenceBuilder:
    """Return a builder for the training-free encoder, on the CPU."""
    device = torch.device('cpu')
    return ReferenceBuilder(encoder=load_model(TRAINING_FREE, device).encoder,
                            config=ReferenceConfig(), device=device)
