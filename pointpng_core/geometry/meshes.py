"""Triangle meshes, and points sampled from their surface."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import CloudError


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TriangleMesh:
    """A surface of triangles: vertices (V, 3) float32 in metres, faces (F, 3) int32 into them.

    Other dtypes are converted. Faces with a vertex twice, which exporters leave at the origin, and
    vertices of no face are left out: they are no surface, and would make the object larger than it
    is. Non-finite vertices and indices out of range raise CloudError.
    """

    vertices: np.ndarray
    faces: np.ndarray

    def __post_init__(self) -> None:
        """Convert and check both arrays."""
        with np.errstate(over='ignore'):
            vertices = np.ascontiguousarray(self.vertices, dtype=np.float32)
        faces = np.ascontiguousarray(self.faces)
        for name, array in (('vertices', vertices), ('faces', faces)):
            if array.ndim != 2 or array.shape[1] != 3 or len(array) == 0:
                raise CloudError(f'{name} of a mesh must be (N, 3) with N > 0, got {array.shape}')
        if not np.issubdtype(faces.dtype, np.integer):
            raise CloudError(f'faces of a mesh must be integers, got {faces.dtype}')
        faces = _proper(faces)
        used = _used(vertices, faces)
        if not used.all():
            vertices, faces = vertices[used], (np.cumsum(used) - 1)[faces]
        object.__setattr__(self, 'vertices', vertices)
        object.__setattr__(self, 'faces', faces.astype(np.int32))


def _proper(faces: np.ndarray) -> np.ndarray:
    """Return the faces of three vertices; all of them where there are no such ones."""
    a, b, c = faces.T
    proper = (a != b) & (b != c) & (c != a)
    return faces[proper] if proper.any() and not proper.all() else faces


def _used(vertices: np.ndarray, faces: np.ndarray) -> NDArray[np.bool_]:
    """Return which vertices (V,) belong to faces, after a check of both; raises CloudError."""
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise CloudError(f'face indices of a mesh span [{faces.min()}, {faces.max()}], but it has '
                         f'{len(vertices)} vertices')
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    broken = used & ~np.isfinite(vertices).all(axis=1)
    if broken.any():
        raise CloudError(f'{broken.sum()} of {len(vertices)} vertices of a mesh are not finite '
                         f'(first: vertex {int(broken.argmax())})')
    return used


def sample_surface(mesh: TriangleMesh, count: int, *, seed: int = 0
                   ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points (count, 3) spread evenly over the surface, and the normals of their faces.

    Sampling is stratified: each equal share of the area gets one point, which leaves fewer holes
    than independent samples. The same seed gives the same points. Raises CloudError when the mesh
    has no area.
    """
    corners = mesh.vertices[mesh.faces].astype(np.float64)  # (F, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1) / 2.0
    total = areas.sum()
    if not total > 0:
        raise CloudError(f'mesh of {len(mesh.faces)} faces has no surface area')
    generator = np.random.default_rng(seed)
    shares = (np.arange(count) + generator.random(count)) / count * total
    face = np.searchsorted(np.cumsum(areas), shares).clip(max=len(areas) - 1)
    root, along = np.sqrt(generator.random(count)), generator.random(count)
    weights = np.stack((1 - root, root * (1 - along), root * along), axis=1)
    points = (corners[face] * weights[:, :, None]).sum(axis=1)
    units = normals[face] / (2.0 * areas[face, None]).clip(min=1e-300)
    return points.astype(np.float32), units.astype(np.float32)
