"""`pointpng estimate REFERENCE OBSERVATION`: two files to a relative pose.

The observation is a cloud, or a depth image (`--depth`) with its camera and the object's mask.
Without a mask the object is searched for in the whole image, as the node does.

Keys of the JSON: reference, observation (paths); model; T_observation_reference (4x4),
translation_m, quaternion_xyzw; score (0 to 1), residual_m, inlier_share; confidence (probability
that the pose is right, up to symmetry), ambiguous, symmetric; runners_up, each with
T_observation_reference, score, residual_m, inlier_share; reference_ms (prepared once per
reference), stage_ms (per observation); warnings (what is wrong with the cloud).
"""

import argparse
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
import warnings

import numpy as np

from pointpng_core.cli import observation
from pointpng_core.cli.options import add_model, add_sensor, with_sensor
from pointpng_core.cli.output import check_json_target, number, say, write_json
from pointpng_core.errors import CloudError
from pointpng_core.estimation.observation_kind import ObservationKind
from pointpng_core.geometry.clouds import finite_rows
from pointpng_core.geometry.clouds.sensor_check import sensor_mismatch
from pointpng_core.io import MODEL_SUFFIXES, TriangleMesh, read_model
from pointpng_core.io.model_files import check_extent
from pointpng_core.io.units import UNIT_M
from pointpng_core.text import printable

if TYPE_CHECKING:
    from pointpng_core.estimation.types import PoseEstimate
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.reference import Reference

HELP = 'relative pose between two files'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kinds = ' '.join(suffix[1:] for suffix in MODEL_SUFFIXES)
    parser.add_argument('reference', metavar='REFERENCE', type=Path,
                        help=f'the object: a mesh or cloud ({kinds})')
    parser.add_argument('--unit-reference', default='m', choices=tuple(UNIT_M),
                        help='unit of length of the reference (default: m)')
    observation.add_arguments(parser)
    parser.add_argument('--config', metavar='FILE', type=Path,
                        help='YAML file with values of EstimatorConfig')
    add_sensor(parser)
    add_model(parser)
    parser.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')


def run(options: argparse.Namespace) -> int:
    """Estimate the pose and print it; raises PointPngError."""
    check_json_target(options.json)
    observation.check_arguments(options)
    model = _read_reference(options.reference, options.unit_reference)
    observed = observation.read_observation(options)
    result = _estimate(model, observed, options)
    if options.json != '-':
        say(readable(result))
    for warning in result['warnings']:
        say(f'warning: {printable(warning)}', error=True)
    write_json(options.json, result)
    return 0


def readable(result: dict[str, Any]) -> str:
    """Return the lines that describe a result to a person."""
    vectors = {key: '  '.join(f'{value: .6f}' for value in result[key])
               for key in ('translation_m', 'quaternion_xyzw')}
    ambiguous = 'yes: another pose explains it as well' if result['ambiguous'] else 'no'
    stages = ', '.join(f'{name} {number(ms, 1)}' for name, ms in result['stage_ms'].items())
    return '\n'.join([
        f'pose of {printable(result["reference"])} in the frame of '
        f'{printable(result["observation"])}',
        f'  translation (m)    {vectors["translation_m"]}',
        f'  quaternion (xyzw)  {vectors["quaternion_xyzw"]}',
        f'  score              {number(result["score"], 3)}',
        f'  confidence         {number(result["confidence"], 3)}',
        f'  residual           {number(1e3 * result["residual_m"], 3)} mm',
        f'  inliers            {number(100 * result["inlier_share"], 1)} %',
        f'  ambiguous          {ambiguous}',
        f'  symmetric          {"yes: some poses are equal" if result["symmetric"] else "no"}',
        f'  runners-up         {len(result["runners_up"])}',
        f'  milliseconds       {stages} (reference {number(result["reference_ms"], 1)}, once)'])


def _read_reference(path: Path, unit: str) -> TriangleMesh | np.ndarray:
    model = read_model(path, unit=unit)
    if isinstance(model, TriangleMesh):
        check_extent(str(path), model.vertices, unit)
        return model
    check_extent(str(path), model, unit)
    return model[finite_rows(model)]


def _estimate(model: TriangleMesh | np.ndarray, observed: observation.Observation,
              options: argparse.Namespace) -> dict[str, Any]:
    from scipy.spatial.transform import Rotation

    from pointpng_core.estimator import EstimatorConfig, PoseEstimator
    config = EstimatorConfig.from_yaml(options.config) if options.config else EstimatorConfig()
    config = with_sensor(config, options.sensor)
    estimator = PoseEstimator(config=config, device=options.device, model=options.model)
    start = perf_counter()
    reference = estimator.reference_from_model(model, name=options.reference.stem)
    reference_ms = (perf_counter() - start) * 1e3
    estimate, doubts = _found(estimator, reference, observed)
    T = np.asarray(estimate.T_observation_reference)
    return {
        'reference': str(options.reference), 'observation': str(observed.path),
        'model': options.model,
        'T_observation_reference': T, 'translation_m': T[:3, 3],
        'quaternion_xyzw': Rotation.from_matrix(T[:3, :3]).as_quat(),
        **_quality(estimate), 'confidence': estimate.confidence,
        'ambiguous': bool(estimate.ambiguous), 'symmetric': estimate.symmetric,
        'runners_up': [{'T_observation_reference': other.T_observation_reference,
                        **_quality(other)} for other in estimate.runners_up],
        'reference_ms': reference_ms, 'stage_ms': dict(estimate.stage_ms),
        'warnings': list(doubts)}


def _found(estimator: 'PoseEstimator', reference: 'Reference', observed: observation.Observation
           ) -> tuple['PoseEstimate', tuple[str, ...]]:
    """Return the best estimate, and warnings about the cloud; raises CloudError for no object."""
    from pointpng_core.estimation.stray import observations_without
    if not observed.is_frame:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter('always', UserWarning)
            (cloud,) = observations_without([observed.cloud], [[reference]])
            observed = replace(observed, cloud=cloud)
            ((estimate, *_),) = estimator.estimate_batch(
                [cloud.finite_points], [reference], viewpoint=observed.viewpoint,
                scene_points=observed.scene_points, segments=True)
        mismatch = sensor_mismatch(observed.placed) \
            if estimate.kind is ObservationKind.SINGLE_VIEW else None
        doubts = (observed.doubt(reference.diameter_m), mismatch)
        return estimate, (*(str(warning.message) for warning in told),
                          *(doubt for doubt in doubts if doubt))
    from pointpng_core.pipeline import FramePipeline, PipelineConfig
    from pointpng_core.segmentation import SegmenterConfig
    config = PipelineConfig()
    result = FramePipeline(estimator=estimator, references=[reference], config=config,
                           segmenter=SegmenterConfig()).process(observed.cloud)
    if not result.detections:
        raise CloudError(
            f'{observed.path}: none of the {len(result.scene.segments)} segments of the frame is '
            f'{reference.name} with a confidence of at least {config.min_confidence:.2f}; give '
            f'the pixels of the object with --mask ({observed.distance}: is --depth-scale right?)')
    return replace(result.detections[0].estimate, stage_ms=result.stage_ms), result.warnings


def _quality(pose: Any) -> dict[str, float]:
    return {key: float(getattr(pose, key)) for key in ('score', 'residual_m', 'inlier_share')}
