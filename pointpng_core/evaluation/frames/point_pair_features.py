"""Baseline: point pair features (Drost 2010) of OpenCV, `cv2.ppf_match_3d`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import MissingDependencyError
from pointpng_core.evaluation.frames.baseline_clouds import (
    Matrix,
    Verifier,
    model_cloud,
    view_cloud,
)
from pointpng_core.evaluation.frames.surface import Model

MOST_MODEL_POINTS, COARSER = 500, 1.15
"""Most points that a detector is trained on, and the factor by which their spacing is increased
until they are no more: training takes a minute and more with the 1200 points of a ball at step
.05, of which all pairs are alike, and a frame with it ten minutes."""
CANDIDATES, MOST_CANDIDATES = 20, 60
"""Best-voted poses per object that has to be found that are refined and verified."""
REFERENCE_SHARE, MOST_REFERENCE_POINTS = 0.2, 600
"""Points of the scene for which poses are voted: OpenCV's default share, but no more than so many,
since a whole frame with step .05 takes minutes for each object otherwise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairModel:
    """A trained detector with its model."""

    detector: Any
    cloud: Any
    spacing_m: float
    """Of the points that the detector was trained on."""
    diameter_m: float


class PointPairFeatures:
    """PPF with a step in diameters, ICP, and the choice of the best-confirmed pose.

    OpenCV clusters poses whose positions differ by less than the step, taken as a length in the
    unit of the points, and averages their quaternions. Clouds in metres give one cluster of poses
    that are no rotations; here the diameter is the unit.
    """

    def __init__(self, step: float) -> None:
        """Take the step: of sampling and of distances, as a share of the diameter."""
        require_opencv()
        self.name, self._step = f'opencv_ppf_{step:g}'.replace('0.', '.'), step

    def prepare(self, model: Model, diameter_m: float) -> PairModel:
        """Train a detector."""
        import cv2
        cloud = model_cloud(model)
        # OpenCV samples by the box of the model, much more densely where it is narrow; points a
        # step apart stay as they are.
        spacing_m = self._step * diameter_m
        while len((few := cloud.voxel_down_sample(spacing_m)).points) > MOST_MODEL_POINTS:
            spacing_m *= COARSER
        detector = cv2.ppf_match_3d.PPF3DDetector(self._step, self._step, 30)
        detector.trainModel(_rows(few, diameter_m))
        return PairModel(detector=detector, cloud=cloud, spacing_m=spacing_m,
                         diameter_m=diameter_m)

    def poses(self, prepared: PairModel, points: NDArray[np.floating], count: int
              ) -> list[tuple[Matrix, float]]:
        """Return up to `count` poses of the object in a view (N, 3), with scores, best first."""
        fine = view_cloud(points, self._step * prepared.diameter_m / 4)
        scene = _rows(fine.voxel_down_sample(prepared.spacing_m), prepared.diameter_m)
        extent = float(np.ptp(scene[:, :3], axis=0).max())
        share = min(REFERENCE_SHARE, MOST_REFERENCE_POINTS / len(scene))
        # The step is relative to the box of the scene here.
        found = prepared.detector.match(scene, share, self._step / max(extent, self._step))
        verifier = Verifier(model=prepared.cloud, view=fine, diameter_m=prepared.diameter_m)
        most = min(CANDIDATES * count, MOST_CANDIDATES)
        return verifier.best([_pose(each.pose, prepared.diameter_m) for each in found[:most]],
                             count)


def require_opencv() -> None:
    """Raise MissingDependencyError unless OpenCV is there with its contributed modules."""
    try:
        import cv2
        cv2.ppf_match_3d  # noqa: B018
    except (ImportError, AttributeError) as error:
        raise MissingDependencyError(
            'the baseline PPF needs OpenCV with its contributed modules: '
            "pip install 'pointpng_ros[bench]'") from error


def _rows(cloud: Any, unit_m: float) -> NDArray[np.float32]:
    normals = np.asarray(cloud.normals)
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return np.hstack([np.asarray(cloud.points) / unit_m, normals]).astype(np.float32)


def _pose(T: Matrix, unit_m: float) -> Matrix:
    """Return a pose (4, 4) in metres; an average of quaternions becomes the nearest rotation."""
    left, _, right = np.linalg.svd(T[:3, :3])
    pose = np.eye(4)
    pose[:3, :3] = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    pose[:3, 3] = T[:3, 3] * unit_m
    return pose
