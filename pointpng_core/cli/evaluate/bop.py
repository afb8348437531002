"""`pointpng evaluate bop DATASET`: whole frames of a dataset in BOP layout, against its models.

JSON: "recall" (share of the targets that were found: an accepted pose with the right label and
ADD-S below 5 % of the diameter), "precision" (right / (right + false) poses), "false" (accepted
poses without any object of the label within 10 %), "accepted" (poses in judged frames), "objects"
(targets), "ar" (average recall of BOP19, of all poses, by their confidence; targets as here; like
"vsd", null as soon as the model of one target has no faces), "ms_median" (of a frame),
"by_visible" ({RANGE of the visible fraction: {"recall", "objects"}}),
"lost" (targets not found: "no_segment", "not_posed", "mistaken_label", "wrong_pose", "rejected",
"no_mask"), "verdicts" (accepted poses: "right", "not_a_target", "near", "duplicate", "false"),
"false_per_frame", "mssd", "mspd", "vsd" (their average recalls), "frames", "judged_frames",
"stage_ms" ({STAGE: median MS}), "scenes" ({SCENE: all these keys}); then "dataset", "split",
"models" (their number), "model", "device", "threads", "masks" (null: whole frames),
"known_labels", "min_visible", "min_pixels", "bop19_targets" (whether the dataset's list of targets
decided in their place), "judged_on" (folder of the meshes that "mssd", "mspd" and "vsd" are
measured on: `models_eval` where there is one), "symmetries" ("given" by the dataset or "detected"
on the models; for "mssd" and "mspd").

With `--baselines`, "baselines": {"frames", "objects", "masks" and "whole_frames": {METHOD: {
"recall", "false", "objects", "ms_median", "reference_ms"}}}: see
`pointpng_core.evaluation.frames.baseline_runs`. Shares lie in [0, 1] and are null where there is
nothing to count.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointpng_core.cli.options import (
    add_model,
    add_sensor,
    fraction,
    limit_threads,
    positive,
    report_progress,
    with_sensor,
)
from pointpng_core.cli.output import check_json_target, number, table

if TYPE_CHECKING:
    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.frames.benchmark import FrameSource
    from pointpng_core.evaluation.frames.library import ModelLibrary
    from pointpng_core.evaluation.frames.methods import FrameMethod
    from pointpng_core.evaluation.frames.settings import FrameSettings

HELP = 'whole frames in BOP layout: found, false and lost objects'
_COLUMNS = {'recall': 'recall', 'precision': 'precision', 'objects': 'objects',
            'accepted': 'accepted', 'near': 'near', 'duplicate': 'duplicate', 'false': 'false',
            'ar': 'AR', 'vsd': 'VSD', 'mssd': 'MSSD', 'mspd': 'MSPD', 'ms_median': 'ms'}
"""Keys of a result, and of its `verdicts`, with their titles."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('dataset', metavar='DATASET', type=Path,
                        help='folder with models/ and test/SCENE/, as on the BOP page')
    _add_frames(parser)
    parser.add_argument('--masks', choices=('visib',),
                        help='pose the points of the given masks, mask_visib, not whole frames')
    parser.add_argument('--known-labels', action='store_true',
                        help='with --masks: search only for the object of each mask')
    parser.add_argument('--config', metavar='FILE', type=Path,
                        help='YAML with the keys estimator, segmenter and pipeline, each with '
                             'values of EstimatorConfig, SegmenterConfig, PipelineConfig')
    add_sensor(parser)
    add_model(parser)
    parser.add_argument('--threads', metavar='N', type=positive, default=1,
                        help='threads for every method alike (default: 1)')
    parser.add_argument('--baselines', action='store_true',
                        help='also run PPF of OpenCV and FPFH+RANSAC+ICP on masks and on frames '
                             "without their plane (needs the extra 'bench'; minutes per frame)")
    parser.add_argument('--baseline-frames', metavar='N', type=positive, default=2,
                        help='at most N frames of each scene for the baselines (default: 2)')
    parser.add_argument('--csv', metavar='FILE', type=Path,
                        help='write all poses as a BOP results file, for the BOP toolkit')
    parser.add_argument('--sheet', metavar='FILE.png', type=Path,
                        help='write a picture of every frame with the outlines of its poses')


def _add_frames(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--split', metavar='NAME',
                        help='folder of the scenes (default: the only one of test*)')
    parser.add_argument('--scene', metavar='ID', type=positive, action='append',
                        help='only this scene; may be repeated (default: all)')
    parser.add_argument('--frames', metavar='N', type=positive,
                        help='at most N frames of each scene, spread evenly (default: all)')
    parser.add_argument('--min-visible', metavar='SHARE', type=fraction, default=0.3,
                        help='objects less visible need not be found (default: 0.3)')
    parser.add_argument('--min-pixels', metavar='N', type=positive, default=300,
                        help='the same where the visible fraction is unknown (default: 300)')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark; raises PointPngError."""
    _check(options)
    limit_threads(options.threads)
    import torch

    from pointpng_core.estimator import PoseEstimator
    from pointpng_core.evaluation.frames.benchmark import run_frames
    from pointpng_core.evaluation.frames.contact_sheet import ContactSheet
    from pointpng_core.evaluation.frames.library import ModelLibrary
    from pointpng_core.io.bop import write_results
    from pointpng_core.training.data import cache_folder
    torch.set_num_threads(options.threads)
    source, settings = _source(options), _settings(options)
    source.check()
    estimator = PoseEstimator(config=settings.estimator, device=options.device,
                              cache_dir=cache_folder(), model=options.model)
    library = ModelLibrary(source.dataset.objects(), estimator, report_progress,
                           judged_on=source.dataset.evaluation_objects())
    sheet = ContactSheet(library.surfaces) if options.sheet else None
    results = run_frames(source, library, _method(options, settings, estimator, library),
                         sheet=sheet, report=report_progress)
    if options.csv:
        write_results(options.csv, results.estimates)
    if sheet:
        sheet.save(options.sheet)
    about = {**results.to_json(), **_about(options, source, library)}
    if options.baselines:
        from pointpng_core.evaluation.frames.baseline_runs import run_baselines
        about['baselines'] = run_baselines(
            source, library, estimator, whole_frames=None if options.masks else results.records,
            per_scene=options.baseline_frames, report=report_progress)
    return about


def readable(result: dict[str, Any]) -> str:
    """Return a table of the scenes, one of the lost, and one of the baselines."""
    parts = [(f'scene {scene}', values) for scene, values in result['scenes'].items()]
    parts += [('all', result)] if len(parts) > 1 else []
    title = f'{result["dataset"]} ({result["frames"]} frames, {result["models"]} models)'
    blocks = [table([title, *_COLUMNS.values()], [
        [name, *_cells({**values['verdicts'], **values})] for name, values in parts])]
    judged = [(name, values) for name, values in parts if values['objects']]
    if judged:
        blocks.append(table(['lost', *judged[0][1]['lost']], [
            [name, *map(str, values['lost'].values())] for name, values in judged]))
        blocks.append(table(['visible', 'recall', 'objects'], [
            [name, number(values['recall']), str(values['objects'])]
            for name, values in result['by_visible'].items()]))
    blocks.append(table(['ms by stage', *result['stage_ms']], [
        ['median', *(number(spent, 1) for spent in result['stage_ms'].values())]]))
    return '\n\n'.join([*blocks, *_baseline_tables(result)])


def _cells(values: dict[str, Any]) -> list[str]:
    return [number(values[key]) for key in _COLUMNS]


def _baseline_tables(result: dict[str, Any]) -> list[str]:
    kinds = {'masks': 'masks, label known', 'whole_frames': 'whole frames'}
    keys = ('recall', 'false', 'objects', 'ms_median', 'reference_ms')
    return [table([f'{title} ({result["baselines"]["frames"]} frames)', 'recall', 'false',
                   'objects', 'ms', 'ref ms'], [
        [name, *(number(values[key]) for key in keys)]
        for name, values in result['baselines'][kind].items()])
        for kind, title in kinds.items() if 'baselines' in result]


def _check(options: argparse.Namespace) -> None:
    """Refuse what would fail only after the work is done; raises PointPngError."""
    from pointpng_core.errors import ConfigError
    if options.known_labels and not options.masks:
        raise ConfigError('--known-labels needs --masks visib: in whole frames no label is given')
    for target in (options.csv, options.sheet):
        check_json_target(str(target) if target else None)
    if options.sheet and options.sheet.suffix.lower() != '.png':
        raise ConfigError(f'--sheet {options.sheet}: the picture is a PNG; give a name that ends '
                          'in .png')
    if options.baselines:
        from pointpng_core.evaluation.frames.point_pair_features import require_opencv
        require_opencv()


def _source(options: argparse.Namespace) -> 'FrameSource':
    from pointpng_core.evaluation.frames.benchmark import FrameSource
    from pointpng_core.evaluation.frames.truth import TargetRule
    from pointpng_core.io.bop import BopDataset
    rule = TargetRule(min_visible=options.min_visible, min_pixels=options.min_pixels)
    return FrameSource(dataset=BopDataset(options.dataset, options.split),
                       scene_ids=tuple(options.scene) if options.scene else None,
                       per_scene=options.frames, rule=rule,
                       need_masks=bool(options.masks or options.baselines))


def _settings(options: argparse.Namespace) -> 'FrameSettings':
    from dataclasses import replace

    from pointpng_core.evaluation.frames.settings import FrameSettings
    settings = FrameSettings.from_yaml(options.config) if options.config else FrameSettings()
    estimator = with_sensor(settings.estimator, options.sensor)
    return replace(settings, estimator=estimator).without_tracking()


def _method(options: argparse.Namespace, settings: 'FrameSettings', estimator: 'PoseEstimator',
            library: 'ModelLibrary') -> 'FrameMethod':
    from pointpng_core.evaluation.frames.methods import GivenMasks, WholeFrames
    from pointpng_core.pipeline import FramePipeline
    if options.masks:
        return GivenMasks(estimator=estimator, references=library.references,
                          min_confidence=settings.pipeline.min_confidence,
                          known_labels=options.known_labels)
    return WholeFrames(FramePipeline(
        estimator=estimator, references=list(library.references.values()),
        segmenter=settings.segmenter, config=settings.pipeline))


def _about(options: argparse.Namespace, source: 'FrameSource', library: 'ModelLibrary'
           ) -> dict[str, Any]:
    return {'dataset': source.dataset.folder.resolve().name, 'split': source.dataset.split,
            'models': len(library.references), 'model': options.model, 'device': options.device,
            'threads': options.threads, 'masks': options.masks,
            'known_labels': options.known_labels, 'min_visible': options.min_visible,
            'min_pixels': options.min_pixels, 'bop19_targets': source.counts is not None,
            'judged_on': source.dataset.evaluation_models,
            'symmetries': library.symmetries}
