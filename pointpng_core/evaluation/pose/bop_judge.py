"""All errors of the estimates of one object in one image: what BOP's average recall needs."""

import functools

import numpy as np
from numpy.typing import NDArray

from pointpng_core.evaluation.pose.bop_errors import Depth, Matrix, mspd, mssd, vsd
from pointpng_core.evaluation.pose.bop_recall import REFERENCE_WIDTH, VSD_TOLERANCES, PairErrors
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.geometry.pinhole import PinholeCamera
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.rendering import CastBody, render


class PoseJudge:
    """Judges poses of one object; its tree for rendering is built once."""

    def __init__(self, model: TriangleMesh | NDArray[np.float32], *, diameter_m: float,
                 symmetries: Matrix) -> None:
        """Take a mesh or points in metres and the object's symmetries (S, 4, 4).

        VSD needs a surface: of a cloud it is not measured.
        """
        self._points = model.vertices if isinstance(model, TriangleMesh) else model
        self._body = CastBody(model) if isinstance(model, TriangleMesh) else None
        self._diameter_m, self._symmetries = diameter_m, symmetries

    def errors(self, T_estimates: Matrix, scores: NDArray[np.float64], T_truths: Matrix,
               targets: NDArray[np.bool_], *, depth_m: Depth, camera: PinholeCamera,
               ) -> PairErrors:
        """Return the errors of estimates (E, 4, 4) with scores (E,) for true poses (G, 4, 4).

        `depth_m` (H, W) is the measured depth, 0 where there is none.
        """
        pairs = [(E, G) for E in T_estimates for G in T_truths]
        shape = len(T_estimates), len(T_truths)
        surface = [mssd(self._points, E, G, self._symmetries) for E, G in pairs]
        pixels = [mspd(self._points, E, G, self._symmetries, camera) for E, G in pairs]
        return PairErrors(
            scores=scores, targets=targets,
            mssd=np.reshape(surface, shape) / self._diameter_m,
            mspd=np.reshape(pixels, shape) * (REFERENCE_WIDTH / camera.width),
            vsd=self._discrepancies(T_estimates, T_truths, depth_m, camera))

    def _discrepancies(self, T_estimates: Matrix, T_truths: Matrix, depth_m: Depth,
                       camera: PinholeCamera) -> NDArray[np.float64] | None:
        """Return VSD (E, G, 10) by tolerance; None without a surface."""
        if self._body is None:
            return None
        estimates, truths = ([_rendered(self._body, T, camera) for T in poses]
                             for poses in (T_estimates, T_truths))
        errors = [vsd(depth_m, estimate, truth, camera,
                      tolerances_m=VSD_TOLERANCES * self._diameter_m)
                  for estimate in estimates for truth in truths]
        return np.reshape(errors, (len(estimates), len(truths), len(VSD_TOLERANCES)))


def _rendered(body: CastBody, T_camera_object: Matrix, camera: PinholeCamera) -> Depth:
    """Return the depth image (H, W) of the object alone, 0 where there is nothing."""
    depth_m = render(_depth_camera(camera), [body], T_camera_object[None]).depth_m
    return np.where(np.isfinite(depth_m), depth_m, np.float32(0))


@functools.lru_cache(maxsize=4)
def _depth_camera(camera: PinholeCamera) -> DepthCamera:
    return DepthCamera(width=camera.width, height=camera.height, fx=camera.fx, fy=camera.fy,
                       cx=camera.cx, cy=camera.cy, near_m=0.0)
