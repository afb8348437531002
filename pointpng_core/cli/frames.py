"""`pointpng frames BAG... --objects DIR`: the poses in every frame of recordings, as by the node.

Every cloud is processed, however long that takes; a node that is too slow leaves some out.

One bag is printed, a line for each cloud. JSON of one bag: bag, topic, model, damage ("" for an
intact bag), frames: stamp_ns and frame_id of the cloud, refused (why the cloud was not processed,
else null), warnings (what is wrong with it), stage_ms, objects: label, index (both together name
an object over all frames), T_camera_object (4x4, in the frame of the cloud), confidence, score,
ambiguous, tracked; not_accepted, one for each segment without an accepted pose: label (what it was
taken for, null where no pose was found), confidence, score, points, centre_m (in the frame of the
cloud), reason.

With --out, each of many bags gets a file of JSON lines in a folder, whose records
`pointpng_core/evaluation/recordings/result_file.py` describes. JSON then: out, failed (number of
recordings with an error), recordings: bag, file, kept (finished by an earlier run), frames,
refused, warned (clouds with warnings), poses, refusal and warning (the first of each, else null),
damage, error, wall_s. The exit code is 1 when a recording failed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointpng_core.cli.options import add_depth_topics, add_model, add_sensor, position, positive
from pointpng_core.cli.output import check_json_target, number, say, write_json
from pointpng_core.errors import ConfigError
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.text import printable
from pointpng_core.tracking.refusal_words import in_words

if TYPE_CHECKING:
    from pointpng_core.evaluation.recordings.bag_list import Recording
    from pointpng_core.evaluation.recordings.run import Outcome
    from pointpng_core.evaluation.recordings.settings import RecordingSettings
    from pointpng_core.evaluation.recordings.tasks import Runner

HELP = 'poses of all frames of one recording, or of many'
ONLY_WITH_OUT = ('parquet', 'workers', 'ray', 'overwrite')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument('bags', metavar='BAG', nargs='+',
                        help='MCAP, sqlite3 or ROS 1 bag; with --out also folders that hold bags '
                             'at any depth, and patterns in quotes')
    parser.add_argument('--objects', metavar='DIR', type=Path, required=True,
                        help='object library (objects.yaml)')
    parser.add_argument('--topic', help='topic of clouds or of depth images, where a bag has '
                                        'several (default: the only one of clouds, else the only '
                                        'one of depth images)')
    add_depth_topics(parser)
    parser.add_argument('--frames', metavar='N', type=positive, default=None,
                        help='process only the first N clouds of a bag (default: all)')
    parser.add_argument('--viewpoint', metavar='X,Y,Z', type=position,
                        help='position of the sensor in the frame of the clouds, metres (write '
                             '--viewpoint=-1,0,1 where the first number is negative; default: '
                             'their origin)')
    add_sensor(parser)
    add_model(parser)
    parser.add_argument('--json', metavar='FILE', help='write the result there, - for stdout')
    many = parser.add_argument_group('many recordings')
    many.add_argument('--out', metavar='DIR', type=Path,
                      help='write a file of JSON lines for each bag into this folder; bags that '
                           'are finished there are not processed again')
    many.add_argument('--parquet', action='store_true',
                      help='write each as Parquet as well (extra `parquet`)')
    many.add_argument('--overwrite', action='store_true',
                      help='replace files that came from another library, model or options')
    many.add_argument('--workers', metavar='N', type=positive, default=None,
                      help='processes, one thread each (default: one for each core)')
    many.add_argument('--ray', metavar='ADDRESS',
                      help='run on this Ray cluster (`auto` or HOST:PORT), whose hosts see all '
                           'files under the same paths (extra `cluster`)')


def run(options: argparse.Namespace) -> int:
    """Process the recordings; raises PointPngError."""
    from pointpng_core.evaluation.recordings.bag_list import find_recordings
    check_json_target(options.json)
    if options.out is not None:
        return _run_many(find_recordings(options.bags), options)
    given = [f'--{name}' for name in ONLY_WITH_OUT if getattr(options, name)]
    if given:
        raise ConfigError(f'{", ".join(given)} is for many recordings: name a folder for the '
                          'results with --out')
    recordings = find_recordings(options.bags)
    if len(recordings) > 1:
        raise ConfigError(f'{len(recordings)} bags, among them {recordings[0].path} and '
                          f'{recordings[1].path}: name a folder for the results with --out')
    return _run_one(recordings[0], options)


def _run_one(recording: 'Recording', options: argparse.Namespace) -> int:
    """Print a line for each frame."""
    from itertools import islice

    import torch

    from pointpng_core.evaluation.recordings.frame_sequence import FrameSequence
    from pointpng_core.evaluation.recordings.settings import FrameModel
    from pointpng_core.io.bags.reader import CloudBag
    torch.set_num_threads(1)  # as the node; its operations are too small for more
    with CloudBag(recording.path) as bag, torch.inference_mode():
        settings = _settings(options)
        stream = settings.stream(bag)
        sequence = FrameSequence(FrameModel(settings).pipeline(), options.viewpoint)
        frames: list[dict[str, Any]] = []
        for recorded in islice(stream.clouds(), options.frames):
            frames.append(sequence.process(recorded))
            if options.json != '-':
                say(readable(frames[-1]))
        damage = bag.damage
    _warn(frames)
    if damage and options.json != '-':
        say(f'warning: {printable(damage)}')
    write_json(options.json, {'bag': recording.path, 'topic': stream.topic, 'model': options.model,
                              'damage': damage, 'frames': frames})
    return 0


def _warn(frames: 'Sequence[dict[str, Any]]') -> None:
    """Print the first warning about a frame, and that no frame at all could be used."""
    for warning in next((frame['warnings'] for frame in frames if frame['warnings']), []):
        say(f'warning: {printable(warning)}', error=True)
    if frames and all(frame['refused'] for frame in frames):
        say(f'warning: {_all_refused(len(frames), frames[0]["refused"])}', error=True)


def _all_refused(frames: int, reason: str) -> str:
    return f'all {frames} clouds were refused, the first because: {printable(reason)}'


def readable(frame: dict[str, Any]) -> str:
    """Return a line about a frame, and one for each segment without an accepted pose."""
    objects = ', '.join(
        f'{item["label"]}_{item["index"]} ({number(item["confidence"])}) at '
        + ' '.join(number(float(value), 3) for value in item['T_camera_object'][:3, 3])
        for item in frame['objects'])
    words = frame['refused'] or objects or 'no object'
    lines = [f'{frame["stamp_ns"] / 1e9:.3f} s  {words}',
             *(f'    {line}' for line in in_words(frame['not_accepted']))]
    return '\n'.join(map(printable, lines))


def _run_many(recordings: 'Sequence[Recording]', options: argparse.Namespace) -> int:
    from pointpng_core.cli.frames_progress import make_events
    from pointpng_core.evaluation.recordings.run import process_recordings
    run_tasks = _runner(options)
    try:
        with make_events() as events:
            outcomes = process_recordings(recordings, options.out, _settings(options),
                                          run=run_tasks, events=events,
                                          overwrite=options.overwrite, parquet=options.parquet)
    except KeyboardInterrupt:
        say('interrupted; run the same command again to go on', error=True)
        raise
    failed = [outcome for outcome in outcomes if outcome.summary['error'] is not None]
    if options.json != '-':
        say(_report(outcomes, options.out))
    write_json(options.json, {'out': options.out, 'failed': len(failed),
                              'recordings': [_entry(outcome) for outcome in outcomes]})
    return 1 if failed else 0


def _settings(options: argparse.Namespace) -> 'RecordingSettings':
    import os

    from pointpng_core.embedding.model_zoo import shipped_models
    from pointpng_core.evaluation.recordings.settings import RecordingSettings
    from pointpng_core.training.data import cache_folder
    model = options.model
    if model not in shipped_models() and os.path.exists(os.path.expanduser(model)):
        model = os.path.abspath(os.path.expanduser(model))
    return RecordingSettings(objects=options.objects.absolute(), model=model,
                             device=options.device, topic=options.topic,
                             camera_info=options.camera_info, depth_scale=options.depth_scale,
                             frames=options.frames, viewpoint=options.viewpoint,
                             depth_noise=options.sensor or KINECT_NOISE,
                             cache_dir=cache_folder().absolute())


def _runner(options: argparse.Namespace) -> 'Runner':
    from functools import partial
    import os

    from pointpng_core.evaluation.recordings.local_pool import run_local
    from pointpng_core.evaluation.recordings.ray_pool import check_cluster, run_on_ray
    if options.ray is None:
        workers = options.workers or len(os.sched_getaffinity(0))
        return partial(run_local, workers=workers)
    check_cluster(options.ray)  # fails now rather than after the references are built
    return partial(run_on_ray, address=options.ray, workers=options.workers,
                   gpu=options.device.startswith('cuda'))


def _report(outcomes: 'Sequence[Outcome]', out: Path) -> str:
    """Return the sums over all recordings, and those that are damaged or failed."""
    total = {key: sum(outcome.summary[key] for outcome in outcomes)
             for key in ('frames', 'refused', 'poses')}
    kept = sum(outcome.kept for outcome in outcomes)
    lines = [f'{len(outcomes)} recordings in {out}: {total["frames"]} clouds, {total["refused"]} '
             f'refused, {total["poses"]} poses' + (f' ({kept} finished before)' if kept else '')]
    lines += [f'damaged: {outcome.summary["damage"]}' for outcome in outcomes
              if outcome.summary['damage']]
    lines += [f'warning: {outcome.task.recording.name}: {text}' for outcome in outcomes
              for text in _warnings(outcome.summary)]
    lines += [f'failed: {outcome.task.recording.name}: {outcome.summary["error"]}'
              for outcome in outcomes if outcome.summary['error'] is not None]
    return '\n'.join(map(printable, lines))


def _warnings(summary: dict[str, Any]) -> list[str]:
    """Return what is wrong with the clouds of a recording."""
    frames, warned, refused = (summary[key] for key in ('frames', 'warned', 'refused'))
    lines = [f'{warned} of {frames} clouds, the first: {summary["warning"]}'] if warned else []
    return lines + ([_all_refused(frames, summary['refusal'])] if frames and refused == frames
                    else [])


def _entry(outcome: 'Outcome') -> dict[str, Any]:
    return {'bag': outcome.task.recording.path, 'file': outcome.task.target, 'kept': outcome.kept,
            **outcome.summary}
