"""`pointpng frames BAG --objects DIR`: the poses in every frame of a recording, as by the node.

Every cloud is processed, however long that takes; a node that is too slow leaves some out. JSON:
bag, topic, model, damage ("" for an intact bag), frames: stamp_ns and frame_id of the cloud,
refused (why the cloud was not processed, else null), stage_ms, objects: label, index (both
together name an object over all frames), T_camera_object (4x4), confidence, score, ambiguous,
tracked.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointpng_core.cli.options import add_model, positive
from pointpng_core.cli.output import check_json_target, number, write_json

if TYPE_CHECKING:
    from pointpng_core.pipeline import FramePipeline
    from pointpng_core.tracking.frame_result import Detection

HELP = 'poses of all frames of a recording'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument('bag', metavar='BAG', type=Path, help='MCAP, sqlite3 or ROS 1 bag')
    parser.add_argument('--objects', metavar='DIR', type=Path, required=True,
                        help='object library (objects.yaml)')
    parser.add_argument('--topic', help='PointCloud2 topic, where the bag has several')
    parser.add_argument('--frames', metavar='N', type=positive, default=None,
                        help='process only the first N clouds (default: all)')
    add_model(parser)
    parser.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Process the recording, a line for each frame; raises PointPngError."""
    from itertools import islice

    import torch

    from pointpng_core.io.bags.reader import CloudBag
    check_json_target(options.json)
    torch.set_num_threads(1)  # as the node; its operations are too small for more
    with CloudBag(options.bag) as bag, torch.inference_mode():
        topic = bag.choose_topic(options.topic)
        sequence = _Sequence(_pipeline(options))
        frames = []
        for _, message in islice(bag.clouds(topic), options.frames):
            frames.append(sequence.process(message))
            if options.json != '-':
                print(readable(frames[-1]))
        damage = bag.damage
    if damage and options.json != '-':
        print(f'warning: {damage}')
    write_json(options.json, {'bag': options.bag, 'topic': topic, 'model': options.model,
                              'damage': damage, 'frames': frames})
    return 0


def readable(frame: dict[str, Any]) -> str:
    """Return one line about a frame."""
    objects = ', '.join(
        f'{item["label"]}_{item["index"]} ({number(item["confidence"])}) at '
        + ' '.join(number(float(value), 3) for value in item['T_camera_object'][:3, 3])
        for item in frame['objects'])
    return f'{frame["stamp_ns"] / 1e9:.3f} s  {frame["refused"] or objects or "no object"}'


def _pipeline(options: argparse.Namespace) -> 'FramePipeline':
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.io.object_library import load_library
    from pointpng_core.pipeline import FramePipeline, PipelineConfig
    from pointpng_core.segmentation import SegmenterConfig
    from pointpng_core.training.data import cache_folder
    models = load_library(options.objects)
    estimator = PoseEstimator(model=options.model, device=options.device,
                              cache_dir=cache_folder())
    references = [estimator.reference_from_model(model.model, name=model.name,
                                                 symmetry=model.symmetry) for model in models]
    return FramePipeline(estimator=estimator, references=references,
                         segmenter=SegmenterConfig(), config=PipelineConfig())


class _Sequence:
    """Clouds in order; objects are tracked while the frame stays the same."""

    def __init__(self, pipeline: 'FramePipeline') -> None:
        self._pipeline, self._frame_id = pipeline, ''

    def process(self, message: Any) -> dict[str, Any]:
        """Return a frame as the JSON has it."""
        from pointpng_core.errors import CloudError
        from pointpng_core.io.bags.pointcloud2 import decode_cloud
        header = message.header
        stamp_ns = header.stamp.sec * 10**9 + header.stamp.nanosec
        facts = {'stamp_ns': stamp_ns, 'frame_id': header.frame_id}
        try:
            cloud = decode_cloud(message)
        except CloudError as error:
            return {**facts, 'refused': str(error), 'stage_ms': {}, 'objects': []}
        if header.frame_id != self._frame_id:
            self._pipeline.reset()
            self._frame_id = header.frame_id
        result = self._pipeline.process(cloud, stamp_ns / 1e9)
        return {**facts, 'refused': None, 'stage_ms': result.stage_ms,
                'objects': [_object(found) for found in result.detections]}


def _object(found: 'Detection') -> dict[str, Any]:
    estimate = found.estimate
    return {'label': found.label, 'index': found.index,
            'T_camera_object': estimate.T_observation_reference,
            'confidence': estimate.confidence, 'score': estimate.score,
            'ambiguous': bool(estimate.ambiguous), 'tracked': found.tracked}
