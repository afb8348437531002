"""An object prepared for search and registration: surface, rendered views, embeddings."""

import dataclasses
from dataclasses import dataclass
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
import torch
from torch import Tensor

from pointpng_core.geometry import Symmetry
from pointpng_core.geometry.clouds.measures import box_around
from pointpng_core.geometry.rigid_motion import curvature, motion_rows
from pointpng_core.reference.near_symmetry import NONE
from pointpng_core.reference.surface.kd_tree import SurfaceTree
from pointpng_core.reference.surface.voxel_lookup import SurfaceField
from pointpng_core.reference.view_bank import ViewBank

AREA_NEIGHBOURS, AREA_PROBES = 10, 400


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """One object, prepared to be estimated in observations; lengths in the unit of its model.

    Build it with `PoseEstimator.reference_from_model` or `reference_from_view`.
    """

    name: str
    """The label of its detections."""
    symmetry: Symmetry = dataclasses.field(default_factory=Symmetry)
    """Motions of the reference's frame that leave the surface unchanged."""
    near_symmetries: NDArray[np.float64] = dataclasses.field(default_factory=lambda: NONE)
    """(K, 4, 4) motions of its frame that leave most of the surface in place, but not all."""
    points: NDArray[np.float32]
    """(M, 3) surface points in the reference's own frame."""
    normals: NDArray[np.float32]
    """(M, 3) unit normals of the points."""
    centre: NDArray[np.float64]
    """(3,) centroid of the surface; the tensors below are relative to it."""
    diameter_m: float
    """Largest distance between two surface points."""
    spacing_m: float
    """Typical distance between neighbouring surface points."""
    complete: bool
    """Whether the surface is known from all sides (a model) or from one (a single view)."""
    outward: bool
    """Whether the normals are known to point outwards."""
    probes: Tensor
    """(K, 3) a few evenly spread surface points that represent the surface in verification."""
    field: SurfaceField
    """Approximate nearest surface points, for many queries at once."""
    tree: SurfaceTree
    """Exact nearest surface points."""
    embedding: Tensor
    """(d,) embedding of the whole surface."""
    views: ViewBank
    """Rendered views with their embeddings."""

    @functools.cached_property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return centre and size (3,) of the box around the surface, along the frame's axes."""
        return box_around(self.points)

    @functools.cached_property
    def curvature(self) -> NDArray[np.float64]:
        """Return the normal matrix (6, 6) of the whole surface, see `rigid_motion.curvature`."""
        return curvature(motion_rows(self.points - self.centre, self.normals, self.diameter_m))

    @functools.cached_property
    def point_area_m2(self) -> float:
        """Return the area of the surface for each of its points, m^2.

        It is that of the circle which holds AREA_NEIGHBOURS of them, the median over the surface.
        """
        probes = self.points[::max(1, len(self.points) // AREA_PROBES)]
        count = min(AREA_NEIGHBOURS, len(self.points) - 1)
        distances = cKDTree(self.points).query(probes, k=count + 1)[0]
        return float(np.median(np.pi * distances[:, -1] ** 2 / count))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything but the name as arrays by name, for the cache."""
        own = {name: np.asarray(getattr(self, name)) for name in _OWN}
        own['symmetry'] = self.symmetry.to_array()
        own |= {name: getattr(self, name).cpu().numpy() for name in _TENSORS}
        own |= {f'field.{name}': array for name, array in self.field.arrays().items()}
        return own | {f'views.{name}': array for name, array in self.views.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], *, name: str, device: torch.device
                    ) -> 'Reference':
        """Build from the result of `arrays`, which `stored_arrays.check_arrays` accepts."""
        parts: dict[str, dict[str, NDArray[Any]]] = {'field': {}, 'views': {}}
        for key, array in arrays.items():
            owner, _, part = key.partition('.')
            if part:
                parts[owner][part] = array
        return cls(name=name, symmetry=Symmetry.from_array(arrays['symmetry']),
                   near_symmetries=arrays['near_symmetries'],
                   points=arrays['points'], normals=arrays['normals'], centre=arrays['centre'],
                   diameter_m=arrays['diameter_m'].item(), spacing_m=arrays['spacing_m'].item(),
                   complete=arrays['complete'].item(), outward=arrays['outward'].item(),
                   probes=torch.from_numpy(arrays['probes']).to(device),
                   embedding=torch.from_numpy(arrays['embedding']).to(device),
                   field=SurfaceField.from_arrays(parts['field'], device),
                   views=ViewBank.from_arrays(parts['views'], device),
                   tree=SurfaceTree((arrays['points'] - arrays['centre']).astype(np.float32)))


_OWN = ('points', 'normals', 'centre', 'diameter_m', 'spacing_m', 'complete', 'outward',
        'near_symmetries')
_TENSORS = ('probes', 'embedding')
