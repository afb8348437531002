"""Triangle meshes."""

import dataclasses

import numpy as np

from pointpng_core.errors import CloudError


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TriangleMesh:
    """A surface of triangles: vertices (V, 3) float32 in metres, faces (F, 3) int32 into them.

    Other dtypes are converted; non-finite vertices and indices out of range raise CloudError.
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
        _check_contents(vertices, faces)
        object.__setattr__(self, 'vertices', vertices)
        object.__setattr__(self, 'faces', faces.astype(np.int32))


def _check_contents(vertices: np.ndarray, faces: np.ndarray) -> None:
    broken = ~np.isfinite(vertices).all(axis=1)
    if broken.any():
        raise CloudError(f'{broken.sum()} of {len(vertices)} vertices of a mesh are not finite '
                         f'(first: vertex {int(broken.argmax())})')
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise CloudError(f'face indices of a mesh span [{faces.min()}, {faces.max()}], but it has '
                         f'{len(vertices)} vertices')
