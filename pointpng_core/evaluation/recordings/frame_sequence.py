"""What is found in the clouds of a recording, one after the other, as the records of results."""

from typing import Any

from pointpng_core.errors import CloudError
from pointpng_core.evaluation.recordings.recorded_clouds import RecordedCloud
from pointpng_core.geometry.clouds import FixedViewpoint
from pointpng_core.pipeline import FramePipeline
from pointpng_core.tracking.frame_result import Detection, FrameResult


class FrameSequence:
    """Clouds in order; objects are tracked while the frame stays the same.

    `viewpoint` is the position (3,) of the sensor in that frame, None for its origin.
    """

    def __init__(self, pipeline: FramePipeline,
                 viewpoint: tuple[float, float, float] | None = None) -> None:
        self._pipeline, self._frame_id = pipeline, ''
        self._viewpoint = None if viewpoint is None else FixedViewpoint(viewpoint)

    def process(self, recorded: RecordedCloud) -> dict[str, Any]:
        """Return the record of a cloud; see `result_file`."""
        facts = {'stamp_ns': recorded.stamp_ns, 'frame_id': recorded.frame_id}
        try:
            result = self._result(recorded)
        except CloudError as error:
            return {**facts, 'refused': str(error), 'warnings': [], 'stage_ms': {}, 'objects': [],
                    'not_accepted': []}
        return {**facts, 'refused': None, 'warnings': list(result.warnings),
                'stage_ms': result.stage_ms,
                'objects': [_object(found) for found in result.detections],
                'not_accepted': [each.entry() for each in result.not_accepted]}

    def _result(self, recorded: RecordedCloud) -> FrameResult:
        """Return what is found in a cloud; raises CloudError where there is none."""
        if recorded.cloud is None:
            raise CloudError(recorded.refused or 'no cloud')
        if recorded.frame_id != self._frame_id:
            self._pipeline.reset()
            self._frame_id = recorded.frame_id
        cloud = recorded.cloud if self._viewpoint is None \
            else self._viewpoint.placed(recorded.cloud, recorded.frame_id)
        return self._pipeline.process(cloud, recorded.stamp_ns / 1e9)


def _object(found: Detection) -> dict[str, Any]:
    estimate = found.estimate
    return {'label': found.label, 'index': found.index,
            'T_camera_object': estimate.T_observation_reference,
            'confidence': estimate.confidence, 'score': estimate.score,
            'ambiguous': bool(estimate.ambiguous), 'tracked': found.tracked}
