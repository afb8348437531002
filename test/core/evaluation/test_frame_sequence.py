"""A cloud of a recording that cannot be processed is refused, and the next one is not affected."""

from types import SimpleNamespace

import numpy as np

from pointpng_core.evaluation.recordings.frame_sequence import FrameSequence
from pointpng_core.evaluation.recordings.recorded_clouds import RecordedCloud
from pointpng_core.geometry.clouds import PointCloud

RESULT = SimpleNamespace(warnings=(), stage_ms={}, detections=(), not_accepted=())


def recorded(points):
    cloud = PointCloud(points=np.array(points, np.float32))
    return RecordedCloud(stamp_ns=1, frame_id='base', cloud=cloud, refused=None)


def test_a_first_cloud_without_a_point_is_refused_where_the_sensor_is_known_by_its_position():
    placed = []
    pipeline = SimpleNamespace(reset=lambda: None,
                               process=lambda cloud, _: placed.append(cloud) or RESULT)
    sequence = FrameSequence(pipeline, viewpoint=(0.0, 0.0, 1.0))
    refused = sequence.process(recorded([[np.nan] * 3] * 2))
    assert 'none of the 2 points is finite' in refused['refused']
    assert sequence.process(recorded([[1, 0, 0], [1, 1, 0]]))['refused'] is None
    assert [cloud.T_cloud_sensor.shape for cloud in placed] == [(4, 4)]
